//! Training, in programs with the feature `train`.
#![cfg(feature = "train")]

#[path = "../common/mod.rs"]
mod common;
mod trained;

mod command;
mod faces;
mod learning;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod search;
mod sets;
