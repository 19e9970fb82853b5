"""The functions of the fold, by what they change. `holdgate.law.evolve` calls them; they decide nothing."""
