"""The labels in the conventions of other libraries, one file for each.

Holes are left out everywhere; ignored objects in all views but COCO's, which has a flag for them.
"""

from ondr.views.bop import BopView as BopView
from ondr.views.bop import to_bop as to_bop
from ondr.views.coco import CocoView as CocoView
from ondr.views.coco import to_coco as to_coco
from ondr.views.detr import DetrLabels as DetrLabels
from ondr.views.detr import to_detr as to_detr
from ondr.views.torchvision import TorchvisionTarget as TorchvisionTarget
from ondr.views.torchvision import to_torchvision as to_torchvision
from ondr.views.yolo import YoloView as YoloView
from ondr.views.yolo import to_yolo as to_yolo
