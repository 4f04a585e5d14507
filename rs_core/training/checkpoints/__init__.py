"""What a training leaves on disk: checkpoints, and what makes one this training's."""
