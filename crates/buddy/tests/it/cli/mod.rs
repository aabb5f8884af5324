//! The command line, tried as an operator would.
