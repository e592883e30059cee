/* Fails or kills at the N-th call that changes a file under one folder.
 *
 * A preload library for tests. What it does is in a control file of four
 * 64-bit numbers that all processes map: `at`, `kind`, `count`, `trips`. They
 * count together, so that the N-th call of a driver and its workers is one
 * number. Armed by the environment (FAULT_CONTROL, FAULT_ROOT), which children
 * inherit, or by fault_arm() in a process that runs already.
 *
 * kind 0 counts; 1 kills the caller before the N-th call; an errno from the
 * N-th call on is kind 2 ENOSPC, 3 EIO, 4 EROFS; 5 is EIO at the N-th alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct control { long at, kind, count, trips; };
enum { COUNT, KILL, FULL, BROKEN, READ_ONLY, BROKEN_ONCE };

static struct control *control;
static char root[PATH_MAX];

void fault_arm(const char *file, const char *folder)
{
    control = NULL;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED) return;
    snprintf(root, sizeof root, "%s", folder);
    control = map;
}

__attribute__((constructor)) static void from_environment(void)
{
    const char *file = getenv("FAULT_CONTROL"), *folder = getenv("FAULT_ROOT");
    if (file && folder) fault_arm(file, folder);
}

static int inside(const char *path)
{
    size_t length = strlen(root);
    return length && !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static int under(int at, const char *path)
{
    char link[64], folder[PATH_MAX];
    if (!control || !path) return 0;
    if (path[0] == '/') return inside(path);
    if (at == AT_FDCWD) return getcwd(folder, sizeof folder) && inside(folder);
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t n = readlink(link, folder, sizeof folder - 1);
    if (n <= 0) return 0;
    folder[n] = 0;
    return inside(folder);
}

static int file(int fd)
{
    struct stat found;
    char link[64], path[PATH_MAX];
    if (!control || fd < 3 || fstat(fd, &found) || !S_ISREG(found.st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return inside(path);
}

/* What the call fails with, 0 to go on. space: whether it needs some. */
static int fault(int space)
{
    long number = __sync_add_and_fetch(&control->count, 1);
    long at = control->at, kind = control->kind;
    if (!at || number < at || kind == COUNT) return 0;
    if (kind == KILL) {
        if (number == at) { __sync_add_and_fetch(&control->trips, 1); kill(getpid(), SIGKILL); pause(); }
        return 0;
    }
    if (kind == FULL && !space) return 0;
    if (kind == BROKEN_ONCE && number > at) return 0;
    __sync_add_and_fetch(&control->trips, 1);
    return kind == FULL ? ENOSPC : kind == READ_ONLY ? EROFS : EIO;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)
#define TRY(condition, space) \
    if (condition) { int e = fault(space); if (e) { errno = e; return -1; } }

ssize_t write(int fd, const void *b, size_t n) { REAL(ssize_t, "write", int, const void *, size_t); TRY(file(fd), 1) return real(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { REAL(ssize_t, "pwrite", int, const void *, size_t, off_t); TRY(file(fd), 1) return real(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t); TRY(file(fd), 1) return real(fd, b, n, o); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(ssize_t, "writev", int, const struct iovec *, int); TRY(file(fd), 1) return real(fd, v, n); }
ssize_t sendfile(int to, int from, off_t *o, size_t n) { REAL(ssize_t, "sendfile", int, int, off_t *, size_t); TRY(file(to), 1) return real(to, from, o, n); }
ssize_t sendfile64(int to, int from, off64_t *o, size_t n) { REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t); TRY(file(to), 1) return real(to, from, o, n); }
ssize_t copy_file_range(int f, off64_t *a, int t, off64_t *b, size_t n, unsigned int x) { REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned int); TRY(file(t), 1) return real(f, a, t, b, n, x); }
size_t fwrite(const void *b, size_t s, size_t n, FILE *f)
{
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (control && file(fileno(f))) { int e = fault(1); if (e) { errno = e; return 0; } }
    return real(b, s, n, f);
}
int fsync(int fd) { REAL(int, "fsync", int); TRY(file(fd), 1) return real(fd); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); TRY(file(fd), 1) return real(fd); }
int ftruncate(int fd, off_t n) { REAL(int, "ftruncate", int, off_t); TRY(file(fd), 1) return real(fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(int, "ftruncate64", int, off64_t); TRY(file(fd), 1) return real(fd, n); }
int truncate(const char *p, off_t n) { REAL(int, "truncate", const char *, off_t); TRY(under(AT_FDCWD, p), 1) return real(p, n); }
int rename(const char *a, const char *b) { REAL(int, "rename", const char *, const char *); TRY(under(AT_FDCWD, b), 1) return real(a, b); }
int renameat(int x, const char *a, int y, const char *b) { REAL(int, "renameat", int, const char *, int, const char *); TRY(under(y, b), 1) return real(x, a, y, b); }
int link(const char *a, const char *b) { REAL(int, "link", const char *, const char *); TRY(under(AT_FDCWD, b), 1) return real(a, b); }
int symlink(const char *a, const char *b) { REAL(int, "symlink", const char *, const char *); TRY(under(AT_FDCWD, b), 1) return real(a, b); }
int unlink(const char *p) { REAL(int, "unlink", const char *); TRY(under(AT_FDCWD, p), 0) return real(p); }
int unlinkat(int d, const char *p, int f) { REAL(int, "unlinkat", int, const char *, int); TRY(under(d, p), 0) return real(d, p, f); }
int rmdir(const char *p) { REAL(int, "rmdir", const char *); TRY(under(AT_FDCWD, p), 0) return real(p); }

/* A folder that is there says so, on a full or read-only disk as well. */
int mkdir(const char *p, mode_t m)
{
    REAL(int, "mkdir", const char *, mode_t);
    struct stat found;
    if (under(AT_FDCWD, p) && stat(p, &found)) { int e = fault(1); if (e) { errno = e; return -1; } }
    return real(p, m);
}

/* Opening to write; on a full disk only what makes a new file fails. */
static int opening(int at, const char *path, int flags)
{
    struct stat found;
    if (!(flags & (O_CREAT | O_TRUNC)) && (flags & O_ACCMODE) == O_RDONLY) return 0;
    if (!under(at, path)) return 0;
    return fault(fstatat(at, path, &found, 0) != 0);
}

#define OPEN(name) \
int name(const char *path, int flags, ...) \
{ \
    REAL(int, #name, const char *, int, ...); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (control) { int e = opening(AT_FDCWD, path, flags); if (e) { errno = e; return -1; } } \
    return real(path, flags, mode); \
}
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
int name(int at, const char *path, int flags, ...) \
{ \
    REAL(int, #name, int, const char *, int, ...); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (control) { int e = opening(at, path, flags); if (e) { errno = e; return -1; } } \
    return real(at, path, flags, mode); \
}
OPENAT(openat)
OPENAT(openat64)
