#![no_main]

circumplex_fuzz::fuzz!(circumplex_fuzz::readers::picture);
