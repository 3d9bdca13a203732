"""Checkpoints from any source as one network's weights in safetensors. Reading of their bytes: `formats/`."""
