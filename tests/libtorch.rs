//! libtorch stays behind `train`, and a program that has it starts by itself.

use std::process::Command;

const CIRCUMPLEX: &str = env!("CARGO_BIN_EXE_circumplex");

#[test]
fn the_program_starts_without_ld_library_path() {
    let output = Command::new(CIRCUMPLEX)
        .arg("--help")
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("LIBTORCH")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(not(feature = "train"))]
#[test]
fn a_program_without_train_knows_no_libtorch() {
    let program = std::fs::read(CIRCUMPLEX).unwrap();
    assert!(!program.windows(12).any(|bytes| bytes == b"libtorch_cpu"));
}

#[cfg(all(feature = "train", target_os = "linux"))]
#[test]
fn a_program_with_train_loads_libtorch_from_its_run_path() {
    let program = std::fs::read(CIRCUMPLEX).unwrap();
    assert!(program.windows(12).any(|bytes| bytes == b"libtorch_cpu"));
}
