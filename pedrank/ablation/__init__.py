"""PED under many settings (Figures 4 and 5): the grid, and the scores. The figures: `report/figures/`."""
