//! Hyper-parameter search, run as a person runs it.

use crate::trained::{self, column, command, messages, mini, text, train};
use circumplex::Recipe;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A rate with which the network learns, and one with which it cannot.
const RATES: &str = "\"optimizer.learning_rate\" = { values = [0.01, 10.0] }";

/// A search of nine epochs: two rungs, of three and of nine.
fn search(directory: &Path, space: &str, options: &[&str]) -> Command {
    fs::create_dir_all(directory).expect("a directory");
    let file = directory.join("space.toml");
    fs::write(
        &file,
        format!("recipe = \"tiny.toml\"\n[search]\n{space}\n"),
    )
    .expect("a file");
    fs::write(directory.join("tiny.toml"), trained::RECIPE).expect("a file");
    let all = [&["--search", text(&file), "--epochs", "9"], options].concat();
    command(directory, &mini(), &all)
}

fn output(mut command: Command) -> Output {
    command.output().expect("the program starts")
}

#[track_caller]
fn succeeded(output: &Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(0), "{}", messages(output));
    let printed = String::from_utf8(output.stdout.clone()).expect("text");
    (printed, messages(output))
}

fn record(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("run/trials.json")).expect("is there")
}

#[test]
fn a_bad_value_is_dropped_at_the_first_rung_and_an_interrupted_search_goes_on_to_the_same() {
    let place = tempfile::tempdir().expect("a directory");
    let (whole, broken) = (place.path().join("whole"), place.path().join("broken"));
    let options = ["--trials", "2"];
    let (table, said) = succeeded(&output(search(&whole, RATES, &options)));
    let json: Value = serde_json::from_slice(&record(&whole)).expect("JSON");
    let results = json["results"].as_array().expect("results");
    let of = |rate: f64| -> Vec<u64> {
        let its = results
            .iter()
            .filter(|it| it["values"]["optimizer.learning_rate"] == rate);
        its.map(|it| it["epochs"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!((of(0.01), of(10.0)), (vec![3, 9], vec![3]), "{json:#}");
    let best = Recipe::load(&whole.join("run/best.toml")).expect("a recipe");
    assert_eq!(
        (best.optimizer.learning_rate, best.optimizer.epochs),
        (0.01, 9)
    );
    assert!(
        table.contains("optimizer.learning_rate") && table.contains("R2 valence"),
        "{table}"
    );
    let picture = fs::read_to_string(whole.join("run/trials.svg")).expect("a picture");
    assert!(picture.contains("MAE ratio on validation songs"));

    // The test songs are those of a run with the same seed, and the best recipe is trained at once.
    assert!(said.contains("test songs are left out"), "{said}");
    let run = place.path().join("plain");
    succeeded(&train(&run, &mini(), &["--epochs", "1"]));
    let test = |split: &Path| {
        let parts = column(split).into_iter().filter(|(_, part)| part == "test");
        parts.map(|(id, _)| id).collect::<Vec<_>>()
    };
    let split = whole.join("run/split.csv");
    assert_eq!(test(&split), test(&run.join("run/split.csv")));
    let best = whole.join("run/best.toml");
    let next = [
        "--recipe",
        text(&best),
        "--split",
        text(&split),
        "--epochs",
        "1",
    ];
    succeeded(&train(&place.path().join("next"), &mini(), &next));

    // Interrupted after the first trial.
    let child = search(&broken, RATES, &options)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.expect("the program starts");
    let began = Instant::now();
    let record_of = broken.join("run/trials.json");
    while !fs::read_to_string(&record_of).is_ok_and(|text| text.contains("\"trial\"")) {
        assert!(began.elapsed() < Duration::from_secs(120), "no trial ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(
        sent.expect("kill is there").success(),
        "it had ended before"
    );
    let stopped = child.wait_with_output().expect("ends");
    assert_eq!(stopped.status.code(), Some(130), "{}", messages(&stopped));
    assert!(messages(&stopped).contains("To resume: the same command"));
    assert!(!broken.join("run/best.toml").exists(), "stopped too late");
    let (again, said) = succeeded(&output(search(&broken, RATES, &options)));
    assert!(!said.contains("rung 1 of 2, trial 1"), "repeated: {said}");
    assert_eq!(again, table);
    for name in ["trials.json", "best.toml", "trials.svg", "split.csv"] {
        let read = |directory: &Path| fs::read(directory.join("run").join(name)).expect(name);
        assert!(read(&whole) == read(&broken), "{name} differs");
    }

    // A finished search trains nothing more. Another one is refused, or replaces it.
    let (again, said) = succeeded(&output(search(&broken, RATES, &options)));
    assert!(again == table && !said.contains("rung"), "{said}");
    let other = "\"network.dropout\" = { from = 0.1, to = 0.3 }";
    let refused = output(search(&broken, other, &options));
    assert!(
        messages(&refused).contains("holds another search"),
        "{}",
        messages(&refused)
    );
    let split = ["--trials", "1", "--force", "--split", "random"];
    succeeded(&output(search(&broken, other, &split)));
    assert_ne!(record(&whole), record(&broken));
}

#[test]
fn a_search_that_cannot_be_made_is_refused_before_anything_is_written() {
    let place = tempfile::tempdir().expect("a directory");
    let place = place.path();
    for (space, options, reason) in [
        (
            "\"network.dropot\" = { from = 0, to = 0.5 }",
            &[][..],
            "did you mean \"dropout\"?",
        ),
        (
            "\"network.dropout\" = { form = 0, to = 0.5 }",
            &[],
            "did you mean \"from\"?",
        ),
        (
            "\"network.dropout\" = { from = 0.5, to = 0.1 }",
            &[],
            "expected from below to",
        ),
        (
            "\"network.mix\" = { values = [8, \"wide\"] }",
            &[],
            "network.mix = \"wide\"",
        ),
        (
            "\"network.stages.0.kernel\" = { values = [2, 4] }",
            &[],
            "an odd number",
        ),
        (RATES, &["--folds", "2"], "a test song of some fold"),
        (RATES, &["--split", "artsit"], "a file that exists"),
    ] {
        let refused = output(search(place, space, options));
        assert_eq!(refused.status.code(), Some(1), "{space}");
        let said = messages(&refused);
        assert!(said.contains(reason), "{space}: {said}");
        assert!(!place.join("run").exists(), "{space}");
    }
}
