"""What the critic is shown of an image. One paper is one file."""
