"""What modules of artefacts share."""

import pytest


@pytest.fixture
def styled():
    """As scripts/figure.py draws, and everything as before afterwards."""
    import matplotlib.pyplot as plt

    from pathattr.plot import style

    with plt.rc_context():
        style.use()
        yield
    plt.close("all")
