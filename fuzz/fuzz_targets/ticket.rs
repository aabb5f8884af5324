#![cfg_attr(fuzzing, no_main)]
#![doc = "The target `ticket`."]

buddy_fuzz::fuzz!(ticket);
