"""Domain randomization on the fly: a PyTorch DataLoader that renders labelled images from 3D meshes."""

from ondr.assets import load_assets as load_assets
from ondr.batch import Batch as Batch
from ondr.batch import Targets as Targets
from ondr.config import Config as Config
from ondr.drawing.sheet import draw as draw
from ondr.loop.dataset import RandomizedScenes as RandomizedScenes
from ondr.loop.loader import loader as loader
from ondr.loop.mix import mix as mix
from ondr.presets import preset as preset
from ondr.render import render as render
from ondr.sampling import sample_scene as sample_scene
from ondr.scene import Scene as Scene
