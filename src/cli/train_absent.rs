//! `circumplex train` in a build without libtorch: says how to get one that can.

use super::{CliResult, Console};
use std::ffi::OsString;

/// Whatever `train` would be told: accepted, so that the answer is about the build and not about an option.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        hide = true,
        value_name = "ANY"
    )]
    _any: Vec<OsString>,
}

pub(crate) fn run(_args: Args, _console: &Console) -> CliResult {
    Err(
        "this build cannot train: training runs in libtorch. In circumplex's source directory, `cargo xtask train ...` \
         sets libtorch up and trains, `cargo xtask install` installs a circumplex that can, and with LIBTORCH set to \
         a libtorch directory `cargo build --release --features train` builds one"
            .into(),
    )
}
