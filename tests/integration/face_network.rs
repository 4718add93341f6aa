//! `circumplex face evaluate` on drawn faces.

use crate::common::{self, Ran, run, write_faces};

fn circumplex<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ran {
    run(common::circumplex().args(arguments))
}

#[cfg(not(feature = "train"))]
#[test]
fn a_build_without_training_says_so() {
    circumplex(["face", "train", "--data", "x", "-o", "y"])
        .ends_with_code(1)
        .complains("--features train");
}

#[test]
fn the_network_inside_the_program_answers_in_every_build() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("faces.csv");
    write_faces(&data, 20);
    let data = data.to_str().unwrap();
    let arguments = ["face", "evaluate", "--data", data, "--part", "all"];
    let ran = circumplex(arguments.into_iter().chain(["--json"])).ends_with_code(0);
    let scores: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&scores["faces"], &scores["part"]),
        (&20.into(), &"all".into())
    );
    let rows = scores["confusion"].as_array().unwrap();
    let counts = rows.iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(counts.map(|count| count.as_u64().unwrap()).sum::<u64>(), 20);
    let table = circumplex(arguments).ends_with_code(0).stdout;
    assert!(
        table.contains("20 faces of faces.csv (all), model best-face"),
        "{table}"
    );
}

#[test]
fn a_file_that_is_no_expression_network_is_rejected_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("faces.csv");
    write_faces(&data, 8);
    let data = data.to_str().unwrap();
    for (model, reason) in [
        ("models/best-cnn-felt.onnx", "no `circumplex_face` metadata"),
        ("Cargo.toml", "not an ONNX model"),
        ("absent.onnx", "`circumplex face train` wrote"),
    ] {
        circumplex(["face", "evaluate", "--data", data, "--model", model])
            .ends_with_code(1)
            .complains(reason)
            .complains(model);
    }
}
