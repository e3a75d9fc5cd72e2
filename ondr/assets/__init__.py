"""Loading meshes, textures and photos into tensors that stay on the device."""

from ondr.assets.loading import load_assets as load_assets
