"""`python -m controller`: the console script `sealer-controller`."""

from controller.main import main

main()
