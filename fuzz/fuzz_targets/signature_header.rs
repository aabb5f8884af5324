#![cfg_attr(fuzzing, no_main)]
#![doc = "The target `signature_header`."]

buddy_fuzz::fuzz!(signature_header);
