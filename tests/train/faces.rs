//! `circumplex face train` on drawn faces.

use crate::common::{self, Ran, run, write_faces};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

fn circumplex<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ran {
    run(common::circumplex().args(arguments))
}

const RECIPE: &str = r#"
name = "tiny"
seed = 1
layers = [
    { kind = "convolution", filters = 8, batch_norm = true },
    { kind = "max-pool" },
    { kind = "convolution", filters = 16, batch_norm = true },
    { kind = "max-pool" },
    { kind = "convolution", filters = 16, batch_norm = true },
    { kind = "global-average" },
]
[training]
optimizer = "adam"
learning_rate = 1e-2
epochs = 6
batch = 16
[augment]
shift = 1.0
"#;

#[test]
fn a_run_writes_a_network_its_scores_and_a_report_that_evaluate_repeats() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (data, recipe, output) = (place("faces.csv"), place("tiny.toml"), place("run"));
    write_faces(Path::new(&data), 200);
    fs::write(&recipe, RECIPE).unwrap();
    let train = |more: &[&str]| {
        let mut arguments = vec!["face", "train", "--data", &data, "--recipe", &recipe];
        arguments.extend(["-o", &output, "--threads", "1"]);
        arguments.extend(more);
        circumplex(arguments)
    };
    let ran = train(&[]).ends_with_code(0);
    assert!(
        ran.stdout
            .contains("40 faces of faces.csv (test), model tiny"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains("140 train, 20 validation, 40 test"),
        "{}",
        ran.stderr
    );
    let mut files: Vec<String> = fs::read_dir(&output)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = "log.csv model.onnx predictions.csv recipe.toml report.html scores.json";
    assert_eq!(files.join(" "), expected);
    let read = |name: &str| fs::read_to_string(Path::new(&output).join(name)).unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let scores = json(&read("scores.json"));
    assert!(scores["accuracy"].as_f64().unwrap() > 0.7, "{scores}");
    assert_eq!(
        (&scores["faces"], &scores["epochs"]),
        (&40.into(), &6.into())
    );
    assert_eq!(read("log.csv").lines().count(), 1 + 6);
    let report = read("report.html");
    for section in [
        "scores",
        "training",
        "confusion",
        "curves",
        "worst",
        "about",
    ] {
        assert!(
            report.contains(&format!("<section id=\"{section}\">")),
            "{section}"
        );
    }
    assert_eq!(
        report.matches("<svg").count(),
        4 + 32,
        "four charts, the worst pictures"
    );

    // a plain recipe by its file, and its default part
    let (model, predictions) = (format!("{output}/model.onnx"), place("predictions.csv"));
    let again = circumplex([
        "face",
        "evaluate",
        "--data",
        &data,
        "--model",
        &model,
        "--json",
        "--predictions",
        &predictions,
        "--report",
        &place("again.html"),
    ]);
    let again = json(&again.ends_with_code(0).stdout);
    for key in [
        "accuracy",
        "macro_f1",
        "faces",
        "expressions",
        "confusion",
        "divergence",
    ] {
        assert_eq!(again[key], scores[key], "{key}");
    }
    assert_eq!(again["part"], "test");
    assert_eq!(
        fs::read_to_string(&predictions).unwrap(),
        read("predictions.csv")
    );
    assert!(
        !fs::read_to_string(place("again.html"))
            .unwrap()
            .contains("id=\"training\"")
    );
    let all = circumplex([
        "face", "evaluate", "--data", &data, "--model", &model, "--json", "--part", "all",
    ]);
    assert_eq!(json(&all.ends_with_code(0).stdout)["faces"], 200);

    train(&[]).ends_with_code(1).complains("holds a run");
    train(&["--resume"])
        .ends_with_code(1)
        .complains("holds a finished run");
    train(&["--force", "--epochs", "1"]).ends_with_code(0);
    assert_eq!(json(&read("scores.json"))["epochs"], 1);
}

#[test]
fn a_run_that_was_interrupted_resumes_to_the_same_file() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let data = place("faces.csv");
    write_faces(Path::new(&data), 400);
    for (name, optimizer) in [
        ("adam", "optimizer = \"adamw\"\naveraging = 0.9"),
        ("sgd", "optimizer = \"sgd-nesterov\""),
    ] {
        let recipe = place(&format!("{name}.toml"));
        let text = RECIPE.replace("optimizer = \"adam\"", optimizer);
        fs::write(&recipe, text.replace("epochs = 6", "epochs = 8")).unwrap();
        let train = |output: &str, more: &[&str]| {
            let mut command = common::circumplex();
            command.args(["face", "train", "--data", &data, "--recipe", &recipe]);
            command.args(["--threads", "1", "-o", output]).args(more);
            command
        };
        let (whole, broken) = (
            place(&format!("{name} whole")),
            place(&format!("{name} broken")),
        );
        run(&mut train(&whole, &[])).ends_with_code(0);
        let mut child = train(&broken, &[])
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        while !Path::new(&broken).join("checkpoint.safetensors").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            sleep(Duration::from_millis(2));
        }
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        let stopped = Ran::from(child.wait_with_output().unwrap());
        stopped.ends_with_code(130).complains("--resume");
        assert!(!Path::new(&broken).join("model.onnx").exists());
        run(&mut train(&broken, &[]))
            .ends_with_code(1)
            .complains("not finished");
        run(&mut train(&broken, &["--resume", "--seed", "9"]))
            .ends_with_code(1)
            .complains("another recipe");
        run(&mut train(&broken, &["--resume"])).ends_with_code(0);
        let model = |output: &str| fs::read(Path::new(output).join("model.onnx")).unwrap();
        assert!(model(&whole) == model(&broken), "{name}: another file");
        let other = place(&format!("{name} other"));
        run(&mut train(&other, &["--seed", "2"])).ends_with_code(0);
        assert!(
            model(&whole) != model(&other),
            "{name}: another seed, the same file"
        );
    }
}

#[test]
fn a_directory_of_other_files_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("faces.csv");
    write_faces(&data, 40);
    let (data, output) = (data.to_str().unwrap(), directory.path().to_str().unwrap());
    for more in [None, Some("--force"), Some("--resume")] {
        let arguments = ["face", "train", "--data", data, "-o", output];
        circumplex(arguments.into_iter().chain(more))
            .ends_with_code(1)
            .complains("not the directory of a run");
    }
    let recipe = [
        "face",
        "train",
        "--data",
        data,
        "-o",
        "x",
        "--recipe",
        "face-cnn9",
    ];
    circumplex(recipe).ends_with_code(1).complains("face-cnn3");
}
