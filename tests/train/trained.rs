//! Running `circumplex train` as a person does, on the tiny data set of this project.

use crate::common;
use circumplex::{Model, ModelMetadata, testing::Provenance};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A network that trains in a second.
pub const RECIPE: &str = r#"
name = "tiny"
seed = 3
[features]
sample_rate = 11025
n_fft = 1024
hop_length = 512
n_mels = 32
f_min = 0.0
f_max = 5512.5
[window]
seconds = 2.0
[labels]
sigma = 1.0
scheme = "sectors"
[network]
frame_pool = 2
stages = [{ channels = 4 }, { channels = 4 }]
mix = 8
summary = ["mean", "deviation"]
dropout = 0.1
[loss]
valence_arousal = 1.0
[optimizer]
learning_rate = 0.01
weight_decay = 0.01
batch = 8
epochs = 2
clip = 2.0
patience = 2
[augmentation]
mixup = 0.1
mask_bands = 4
mask_time = 0.1
gain_db = 0.5
[calibration]
settle = true
"#;

pub fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deam/mini")
}

pub fn circumplex(arguments: &[&str]) -> Output {
    let mut command = common::circumplex();
    command
        .args(arguments)
        .output()
        .expect("the program starts")
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("the path is Unicode")
}

pub fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The command line that trains the recipe on `data` into `directory/run`.
pub fn command(directory: &Path, data: &Path, options: &[&str]) -> Command {
    fs::create_dir_all(directory).expect("a directory");
    let recipe = directory.join("tiny.toml");
    if !recipe.exists() {
        fs::write(&recipe, RECIPE).expect("a file");
    }
    let mut command = common::circumplex();
    command.args(["train", "--data", text(data), "--output"]);
    command.arg(directory.join("run"));
    let names_recipe = |it: &&str| it.starts_with("--recipe") || *it == "--search";
    if !options.iter().any(names_recipe) {
        command.arg("--recipe").arg(recipe);
    }
    // Tests run side by side, and threads that wait for each other wait long on a busy machine.
    command.args(["--threads", "1"]);
    command.args(options);
    command
}

/// Trains on `data` into `directory/run`.
pub fn train(directory: &Path, data: &Path, options: &[&str]) -> Output {
    let mut command = command(directory, data, options);
    command.output().expect("the program starts")
}

/// As [`train`], where it must succeed: what the model says of itself.
pub fn trained(directory: &Path, data: &Path, options: &[&str]) -> (ModelMetadata, Provenance) {
    let output = train(directory, data, options);
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    let model = Model::load(&directory.join("run/model.onnx")).expect("the model loads");
    let metadata = model.metadata().clone();
    let json = metadata.training.provenance.clone().expect("is noted");
    (metadata, serde_json::from_value(json).expect("is sound"))
}

pub fn evaluate(directory: &Path, data: &Path, options: &[&str]) -> (serde_json::Value, String) {
    let model = directory.join("run/model.onnx");
    let mut arguments = vec!["evaluate", "--json", "--data", text(data), "--model"];
    arguments.push(text(&model));
    arguments.extend(options);
    let output = circumplex(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    let report = serde_json::from_slice(&output.stdout).expect("JSON");
    (report, messages(&output))
}

/// The second column of a CSV by the first.
pub fn column(path: &Path) -> BTreeMap<String, String> {
    let file = fs::read_to_string(path).expect("the file is there");
    let cells = |line: &str| {
        let (id, value) = line.split_once(',').expect("two columns");
        (id.to_owned(), value.to_owned())
    };
    file.lines().skip(1).map(cells).collect()
}

pub fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
