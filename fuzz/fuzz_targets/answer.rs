#![cfg_attr(fuzzing, no_main)]
#![doc = "The target `answer`."]

buddy_fuzz::fuzz!(answer);
