"""Predictions out and in: masks as PNG, COCO results JSON, and somebody else's of either, scored.

A prediction is one mask per sample. In COCO's terms every sample is an image of
its own (`image_id` counts from 1 in the dataset's order, `file_name` is the
sample's id) with one category, its label; `write.ground_truth` writes the true masks in
the same terms, so that pycocotools can judge the results without this program.
"""
