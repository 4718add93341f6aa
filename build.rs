//! Lists the files of the page in web/ for the program to hold (feature `serve`), and gives programs that are built with `train`
//! a run path to libtorch, so that they start without `LD_LIBRARY_PATH`. Without the two it does nothing.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_SERVE").is_some() {
        list_web_files()?;
    }
    if env::var_os("CARGO_FEATURE_TRAIN").is_none() {
        return Ok(());
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
    Ok(())
}

/// Writes `FILES`, a table of every file below web/ with its content.
fn list_web_files() -> io::Result<()> {
    let variable = |name| env::var(name).map_err(io::Error::other);
    let web = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("web");
    println!("cargo::rerun-if-changed={}", web.display());
    let mut files = Vec::new();
    let mut directories = vec![web.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut code = String::from("const FILES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(&web).map_err(io::Error::other)?;
        let name = name.to_string_lossy().replace('\\', "/");
        code += &format!(
            "    (\"/{name}\", include_bytes!({:?})),\n",
            file.display().to_string()
        );
    }
    fs::write(
        Path::new(&variable("OUT_DIR")?).join("web_files.rs"),
        code + "];\n",
    )
}
