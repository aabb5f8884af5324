#![cfg_attr(fuzzing, no_main)]
#![doc = "The target `target`."]

buddy_fuzz::fuzz!(target);
