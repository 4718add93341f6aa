//! A library, or a part of it, in other people's formats.

pub mod playlist;
