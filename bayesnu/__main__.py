"""`python -m bayesnu`: the command line where its script is not on the path."""

from bayesnu.cli import main

if __name__ == "__main__":
    main(prog_name="bayesnu")
