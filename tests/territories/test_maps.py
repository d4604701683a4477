"""The grid on which a territory is drawn, and the window that shows a part of it."""

from territories.rules.maps import around, on_grid, window


def test_the_window_and_the_grid_of_a_departement():
    box = window(["0 0 10 20", "5 -3 30 8"])
    assert box.view_box == "-12 -15 54 47"
    # Paris in Lambert-93: 652 km east, 6 862 km north.
    assert on_grid("75", latitude=48.8566, longitude=2.3522) == (6525, 3380)


def test_around_a_point():
    box = around(6525, 3380, km=25)
    assert box.view_box == "6275 3130 500 500"
    assert 6775 not in box.columns
    assert 6525 in box.columns
