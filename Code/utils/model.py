"""The network of the tutorial."""

import torch
from torch import nn


class Net(nn.Module):
    """The tutorial's LeNet: two convolutions, three linear layers, for 32 x 32 RGB."""

    def __init__(self, classes: int = 10) -> None:
        """Build the layers, with PyTorch's own initial weights."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool2 = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, (B, classes), of images, float (B, 3, 32, 32)."""
        x = torch.relu(self.pool1(self.conv1(x)))  # as ReLU first, with a quarter of
        x = torch.relu(self.pool2(self.conv2(x)))  # the work: the largest stays largest
        x = x.flatten(1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)
