"""What `sealer run` gives to its child: variables, a private folder, signals."""
