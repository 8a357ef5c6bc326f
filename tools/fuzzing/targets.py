"""All targets, by importing the modules that register them."""

import fuzzing.targets_data
import fuzzing.targets_density
import fuzzing.targets_moments
import fuzzing.targets_multilayer
import fuzzing.targets_network
import fuzzing.targets_noise
import fuzzing.targets_scale
import fuzzing.targets_training
import fuzzing.targets_wide  # noqa: F401
