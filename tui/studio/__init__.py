"""The process behind the screen: it draws, scores, encodes pictures and watches runs. It knows no screen."""
