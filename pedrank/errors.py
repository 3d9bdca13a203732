"""The one exception that stands for bad input."""


class InputError(ValueError):
    """Bad input: the message is one line that names what is wrong and the remedy.

    Scripts print it as it is and exit with code 1; anything else that is raised is a bug and keeps its traceback.
    """
