"""What a run is asked about: picture, network, images of a set, settings."""
