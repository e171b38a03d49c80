"""What makes a release: the images, the chart and the bills of materials."""
