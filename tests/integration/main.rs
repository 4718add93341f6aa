//! Tests of the library and of the whole program. They are one binary, because linking takes seconds.
// Tests that need signals or limits of Linux leave their helpers unused elsewhere.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

#[path = "../common/mod.rs"]
mod common;

mod again;
mod analysis;
mod ask;
mod audio_decode;
mod classify;
mod cluster;
mod command_line;
mod cue;
mod dataset_command;
mod evaluate;
mod export;
mod face_network;
mod face_pictures;
mod features;
mod felt;
#[cfg(unix)]
mod ffmpeg;
mod given;
#[cfg(target_os = "linux")]
mod hostile;
mod library_command;
mod map;
mod map_path;
mod mel;
mod query;
#[cfg(feature = "serve")]
mod serve;
mod show;
mod tags;
mod timeline;
#[cfg(unix)]
mod watch;
