//! Gives programs that are built with `train` a run path to libtorch, so that they start without
//! `LD_LIBRARY_PATH`. Without `train` it does nothing.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_TRAIN").is_none() {
        return;
    }
    // torch-sys (`links = "tch"`) tells its direct dependents where it found the libraries.
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if let Ok(folder) = env::var("DEP_TCH_LIBTORCH_LIB")
        && (system == "linux" || system == "macos")
    {
        // A comma would end the linker's argument inside -Wl, so the path goes through -Xlinker, which takes any.
        for argument in ["-Xlinker", "-rpath", "-Xlinker", &folder] {
            println!("cargo::rustc-link-arg={argument}");
        }
    }
}
