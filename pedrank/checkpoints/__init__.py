"""Checkpoints of any source as one network's weights in safetensors. Reading their bytes: `formats/`."""
