"""What the web server does before its workers fork."""

import gc

from francesante import gunicorn_conf


def test_what_lives_as_long_as_the_process_is_set_aside():
    gunicorn_conf.when_ready(None)
    try:
        assert gc.get_freeze_count() > 100_000
        gc.collect()
        assert len(gc.get_objects()) < gc.get_freeze_count() / 10, "a collection has little left to go through"
    finally:
        gc.unfreeze()
