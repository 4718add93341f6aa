//! The directory of a run: stopped and gone on with, refused, compared. The program is run as a person runs it.

use crate::trained::{
    RECIPE, circumplex, column, command, copy_directory, messages, mini, text, train,
};
use arrow_array::{
    RecordBatch,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int32Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// More than a run does before it is stopped here.
const EPOCHS: &str = "40";

/// A directory whose recipe does not stop early.
fn patient(directory: &Path) {
    fs::create_dir_all(directory).expect("a directory");
    let recipe = RECIPE
        .replace("patience = 2", "patience = 1000")
        .replace("dropout = 0.1", "dropout = 0.5");
    assert!(recipe.contains("patience = 1000") && recipe.contains("dropout = 0.5"));
    fs::write(directory.join("tiny.toml"), recipe).expect("a file");
}

/// Starts training and sends a signal as soon as `file` of the run is there.
fn stopped(directory: &Path, options: &[&str], file: &str, signal: &str) -> Output {
    let child = command(directory, &mini(), options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let wanted = directory.join("run").join(file);
    let began = Instant::now();
    while !wanted.exists() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{file} never came"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(
        sent.expect("kill is there").success(),
        "it had ended before"
    );
    child.wait_with_output().expect("ends")
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", messages(output));
    messages(output)
}

#[track_caller]
fn refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", messages(output));
    let said = messages(output);
    assert!(said.contains(reason), "expected {reason:?} in: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[track_caller]
fn same_files(one: &Path, other: &Path, names: &[&str]) {
    for name in names {
        let read = |directory: &Path| fs::read(directory.join("run").join(name)).expect(name);
        assert!(read(one) == read(other), "{name} differs");
    }
    // the log but for how long things took
    let log = |directory: &Path| -> Vec<String> {
        let text = fs::read_to_string(directory.join("run/log.csv")).expect("a log");
        let cells = |line: &str| line.split(',').take(5).collect::<Vec<_>>().join(",");
        text.lines().map(cells).collect()
    };
    assert_eq!(log(one), log(other));
    let lines = |directory: &Path| {
        let text = fs::read_to_string(directory.join("run/log.jsonl")).expect("a log");
        let rows = text.lines().map(serde_json::from_str::<serde_json::Value>);
        rows.collect::<Result<Vec<_>, _>>().expect("JSON").len()
    };
    assert_eq!(lines(one) + 1, log(one).len());
    assert_eq!(lines(other) + 1, log(one).len());
    assert!(
        !other.join("run/checkpoints").exists(),
        "checkpoints stayed"
    );
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_files() {
    let place = tempfile::tempdir().expect("a directory");
    let (whole, broken) = (place.path().join("whole"), place.path().join("broken"));
    patient(&whole);
    patient(&broken);
    let options = ["--epochs", EPOCHS];
    succeeded(&train(&whole, &mini(), &options));
    let killed = stopped(&broken, &options, "checkpoints/model.safetensors", "-KILL");
    assert_eq!(killed.status.signal(), Some(9));
    assert!(!broken.join("run/model.onnx").exists(), "killed too late");

    refused(&train(&broken, &mini(), &options), "--resume continues it");
    let resume = ["--epochs", EPOCHS, "--resume"];
    let said = succeeded(&train(&broken, &mini(), &resume));
    assert!(!said.contains("epoch   1:"), "began anew: {said}");
    let files = [
        "model.onnx",
        "recipe.toml",
        "split.csv",
        "predictions.parquet",
        "scores.json",
        "report.html",
    ];
    same_files(&whole, &broken, &files);

    // a finished run is kept with --resume, refused without, replaced with --force
    let said = succeeded(&train(&broken, &mini(), &resume));
    assert!(said.contains("it is kept"), "{said}");
    refused(&train(&broken, &mini(), &options), "holds a finished run");
    refused(
        &train(&broken, &mini(), &["--epochs", "3", "--resume"]),
        "another recipe",
    );
    let other_split = ["--epochs", EPOCHS, "--resume", "--split", "random"];
    refused(
        &train(&broken, &mini(), &other_split),
        "divides other songs",
    );
    fs::remove_file(broken.join("run/split.csv")).expect("was there");
    succeeded(&train(&broken, &mini(), &["--epochs", EPOCHS, "--force"]));
    same_files(&whole, &broken, &files);
}

#[test]
fn ctrl_c_stops_after_the_batch_and_a_damaged_checkpoint_is_an_error() {
    let place = tempfile::tempdir().expect("a directory");
    patient(place.path());
    let options = ["--epochs", "1000"];
    let checkpoint = "checkpoints/model.safetensors";
    let output = stopped(place.path(), &options, checkpoint, "-INT");
    assert_eq!(output.status.code(), Some(130), "{}", messages(&output));
    let said = messages(&output);
    assert!(
        said.contains("stopped in epoch") && said.contains("--resume"),
        "{said}"
    );
    let checkpoint = place.path().join("run").join(checkpoint);
    let sound = fs::read(&checkpoint).expect("is there");
    let resume = ["--epochs", "1000", "--resume"];
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for bytes in [&damaged[..], &sound[..middle], b""] {
        fs::write(&checkpoint, bytes).expect("a file");
        refused(&train(place.path(), &mini(), &resume), "damaged checkpoint");
    }
    fs::write(&checkpoint, &sound).expect("a file");
    let marker = place.path().join("run/checkpoints/run.json");
    let kept = fs::read_to_string(&marker).expect("is there");
    fs::write(&marker, kept.replace(":1,", ":7,")).expect("a file");
    refused(&train(place.path(), &mini(), &resume), "format version 7");
    fs::write(&marker, kept).expect("a file");
    let folds = [&resume[..], &["--folds", "2"]].concat();
    refused(
        &train(place.path(), &mini(), &folds),
        "started with one split",
    );
    refused(
        &train(place.path(), &mini(), &["--epochs", "3", "--resume"]),
        "another recipe",
    );
    assert_eq!(fs::read(&checkpoint).expect("is there"), sound);
}

#[test]
fn a_full_disk_ends_the_run_and_leaves_the_last_checkpoint_as_it_was() {
    let place = tempfile::tempdir().expect("a directory");
    let (whole, broken) = (place.path().join("whole"), place.path().join("broken"));
    patient(&whole);
    patient(&broken);
    let options = ["--epochs", EPOCHS];
    succeeded(&train(&whole, &mini(), &options));
    stopped(&broken, &options, "checkpoints/model.safetensors", "-KILL");
    let checkpoint = broken.join("run/checkpoints/model.safetensors");
    let last = fs::read(&checkpoint).expect("is there");
    // What a kill in the middle of writing leaves goes when the run goes on.
    let half = broken.join("run/checkpoints/.model.safetensorsAb3xYz.tmp");
    fs::write(half, b"half").expect("a file");
    // No file may grow beyond 4 kB: what a full disk does to a checkpoint, and to nothing else here.
    let resume = command(&broken, &mini(), &["--epochs", EPOCHS, "--resume"]);
    assert!(last.len() > 8192, "{} bytes would fit", last.len());
    let full = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
        .arg(resume.get_program())
        .args(resume.get_args())
        .output()
        .expect("a shell");
    refused(&full, "the checkpoint could not be written");
    assert!(messages(&full).contains("model.safetensors"));
    assert_eq!(fs::read(&checkpoint).expect("is there"), last);
    let left: Vec<_> = fs::read_dir(broken.join("run/checkpoints"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left.len(), 3, "checkpoint, mark and lock: {left:?}");
    let resume = ["--epochs", EPOCHS, "--resume"];
    succeeded(&train(&broken, &mini(), &resume));
    same_files(&whole, &broken, &["model.onnx", "scores.json"]);
}

/// The rows of a Parquet file.
fn rows(path: &Path) -> RecordBatch {
    let file = fs::File::open(path).expect("is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("is Parquet");
    let mut batches = reader.build().expect("can be read");
    let first = batches.next().expect("has rows").expect("can be read");
    assert!(batches.next().is_none());
    first
}

#[test]
fn folds_that_are_done_are_not_trained_again_and_their_answers_are_kept() {
    let place = tempfile::tempdir().expect("a directory");
    let (whole, broken) = (place.path().join("whole"), place.path().join("broken"));
    patient(&whole);
    patient(&broken);
    let options = ["--epochs", "20", "--folds", "3"];
    let output = train(&whole, &mini(), &options);
    let said = succeeded(&output);
    assert!(said.contains("network 1 of 4, epoch   1:"), "{said}");
    let killed = stopped(&broken, &options, "checkpoints/fold-2.safetensors", "-KILL");
    assert_eq!(killed.status.signal(), Some(9));
    let resume = [&options[..], &["--resume"]].concat();
    let said = succeeded(&train(&broken, &mini(), &resume));
    assert!(!said.contains("network 1 of 4"), "{said}");
    assert!(said.contains("network 4 of 4, epoch  20:"), "{said}");
    let files = [
        "model.onnx",
        "folds.csv",
        "predictions.parquet",
        "scores.json",
        "report.html",
    ];
    same_files(&whole, &broken, &files);

    // every song once, in the fold of the CSV, with the truth of its labels
    let table = rows(&whole.join("run/predictions.parquet"));
    let folds = column(&whole.join("run/folds.csv"));
    assert_eq!((table.num_rows(), folds.len()), (24, 24));
    assert_eq!(table.num_columns(), 2 + 8 + 8 + 4);
    let of = |name: &str| table.column_by_name(name).expect(name);
    let ids = of("song_id").as_string::<i32>();
    let numbers = of("fold").as_primitive::<Int32Type>();
    for row in 0..table.num_rows() {
        let fold: i32 = folds[ids.value(row)].parse().expect("a number");
        assert_eq!(numbers.value(row), fold);
        for side in ["true", "predicted"] {
            let names = "happy excited tense frustrated depressed tired calm content";
            let sum: f32 = names
                .split(' ')
                .map(|name| of(&format!("{side}_{name}")))
                .map(|column| column.as_primitive::<Float32Type>().value(row))
                .sum();
            assert!((sum - 100.0).abs() < 1e-3, "{side}: {sum}");
        }
    }
    let of = |name: &str| of(name).as_primitive::<Float64Type>();
    let (truth, told) = (of("true_valence"), of("predicted_valence"));
    let squares = |other: &dyn Fn(usize) -> f64| -> f64 {
        (0..24)
            .map(|row| (truth.value(row) - other(row)).powi(2))
            .sum()
    };
    let mean = (0..24).map(|row| truth.value(row)).sum::<f64>() / 24.0;
    let r2 = 1.0 - squares(&|row| told.value(row)) / squares(&|_| mean);
    let scores = fs::read(whole.join("run/scores.json")).expect("is there");
    let scores: serde_json::Value = serde_json::from_slice(&scores).expect("JSON");
    let reported = scores["valence"]["r2"].as_f64().expect("a number");
    assert!((r2 - reported).abs() < 1e-9, "{r2} and {reported}");
    // mean and deviation of every score over the folds, in the file and on the screen
    let maes: Vec<f64> = (0..3)
        .map(|fold| {
            scores["cross_validation"]["folds"][fold]["mae"]
                .as_f64()
                .expect("a number")
        })
        .collect();
    let mean = maes.iter().sum::<f64>() / 3.0;
    let deviation = (maes.iter().map(|mae| (mae - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    for (name, expected) in [("mean", mean), ("deviation", deviation)] {
        let found = scores["cross_validation"]["over_folds"]["mae"][name]
            .as_f64()
            .expect("a number");
        assert!((found - expected).abs() < 1e-9, "{name}: {found}");
    }
    let printed = String::from_utf8(output.stdout).expect("text");
    let row = printed
        .lines()
        .filter(|line| line.starts_with("MAE "))
        .nth(1)
        .expect("a row of the MAE");
    assert!(
        row.contains(&format!("{mean:.2}")) && row.contains(&format!("{deviation:.2}")),
        "{row}"
    );
}

#[test]
fn a_directory_of_other_things_is_never_written_to() {
    let place = tempfile::tempdir().expect("a directory");
    let run = place.path().join("run");
    fs::create_dir(&run).expect("a directory");
    fs::write(run.join("thesis.tex"), "years of work").expect("a file");
    for options in [&[][..], &["--force"], &["--resume"]] {
        refused(&train(place.path(), &mini(), options), "thesis.tex");
    }
    assert_eq!(fs::read_dir(&run).expect("a directory").count(), 1);
    fs::remove_dir_all(&run).expect("was there");
    fs::write(&run, "a file").expect("a file");
    refused(&train(place.path(), &mini(), &[]), "is not a directory");
    fs::remove_file(&run).expect("was there");
    let output = command(place.path(), &mini(), &[])
        .args(["--output", "model.onnx"])
        .output();
    // clap takes an option once
    assert_eq!(output.expect("starts").status.code(), Some(1));
    let data = mini();
    let mut options = vec!["train", "--data", text(&data), "-o"];
    let model = place.path().join("model.onnx");
    options.push(text(&model));
    refused(&circumplex(&options), "looks like a file");
    assert!(!model.exists());

    // nothing is left of a run that could not begin
    let nothing = place.path().join("nothing");
    fs::create_dir(&nothing).expect("a directory");
    let output = train(place.path(), &nothing, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!run.exists(), "a directory without labels");
    refused(
        &train(place.path(), &mini(), &["--device", "gpu"]),
        "cuda:N",
    );
    assert!(!run.exists());
}

#[test]
fn two_processes_do_not_train_in_one_directory() {
    let place = tempfile::tempdir().expect("a directory");
    patient(place.path());
    let options = ["--epochs", "100000"];
    let mut first = command(place.path(), &mini(), &options)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let checkpoint = place.path().join("run/checkpoints/model.safetensors");
    while !checkpoint.exists() {
        assert!(first.try_wait().expect("a child").is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    for again in ["--resume", "--force"] {
        let second = train(place.path(), &mini(), &[&options[..], &[again]].concat());
        refused(&second, "another process trains in");
    }
    first.kill().expect("still runs");
    first.wait().expect("ends");
    assert!(checkpoint.exists());
}

#[test]
fn a_song_that_trains_is_refused_as_a_test_song_under_another_name() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    copy_directory(&mini(), &data);
    let audio = data.join("DEAM_audio/MEMD_audio");
    fs::copy(audio.join("1.wav"), audio.join("2.wav")).expect("a copy");
    let split = place.path().join("split.csv");
    let parts: Vec<String> = (1..=24)
        .map(|id| format!("{id},{}\n", if id == 2 { "test" } else { "train" }))
        .collect();
    fs::write(&split, format!("song_id,part\n{}", parts.concat())).expect("a file");
    let output = train(place.path(), &data, &["--split", text(&split)]);
    refused(&output, "identical audio");
    assert!(messages(&output).contains("songs 1 (train) and 2 (test)"));
    assert!(!place.path().join("run").exists());
    // drawn splits and folds keep the two together
    let folds = ["--folds", "2", "--split", "random", "--epochs", "1"];
    succeeded(&train(place.path(), &data, &folds));
    let folds = column(&place.path().join("run/folds.csv"));
    assert_eq!(folds["1"], folds["2"]);
}

#[test]
fn a_device_that_libtorch_lacks_is_refused_with_what_was_found() {
    if tch::Cuda::is_available() {
        return; // this machine has one
    }
    let place = tempfile::tempdir().expect("a directory");
    let output = train(place.path(), &mini(), &["--device", "cuda:3"]);
    refused(&output, "cuda:3 was asked for, but");
    let options = ["--device", "auto", "--epochs", "1"];
    succeeded(&train(place.path(), &mini(), &options));
}

#[test]
fn recipes_are_compared_on_the_same_songs_beside_the_published_figures() {
    let place = tempfile::tempdir().expect("a directory");
    let recipe = |name: &str, change: &dyn Fn(String) -> String| {
        let path = place.path().join(format!("{name}.toml"));
        let text = RECIPE.replace("\"tiny\"", &format!("{name:?}"));
        fs::write(&path, change(text)).expect("a file");
        text_of(&path)
    };
    let narrow = recipe("narrow", &|text| text + "[paper]\nmae = 9.36\n");
    let coarse = recipe("coarse", &|text| {
        text.replace("seed = 3", "seed = 8")
            .replace("n_mels = 32", "n_mels = 24")
    });
    let table = place.path().join("run/table.md");
    let recipes = format!("{narrow},{coarse}");
    let options = [
        "--recipes",
        &recipes,
        "--table",
        text(&table),
        "--epochs",
        "1",
    ];
    let output = train(place.path(), &mini(), &options);
    succeeded(&output);
    let markdown = fs::read_to_string(&table).expect("is written");
    let row = |name: &str, markdown: &str| -> Vec<String> {
        let start = format!("| {name} |");
        let row = markdown.lines().find(|line| line.starts_with(&start));
        let cells = row.expect("a row").trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let scores: serde_json::Value = serde_json::from_slice(
        &fs::read(place.path().join("run/narrow/scores.json")).expect("is there"),
    )
    .expect("JSON");
    let (mae, baseline) = (
        scores["mae"].as_f64().expect("a number"),
        scores["mae_baseline"].as_f64().expect("a number"),
    );
    let cells = row("narrow", &markdown);
    assert_eq!(cells[3], format!("{mae:.2}"));
    assert_eq!(cells[4], format!("{baseline:.2}"));
    assert_eq!(cells[5], format!("{:.3}", mae / baseline));
    assert_eq!(cells[1], scores["parameters"].to_string());
    assert_eq!(cells[2], "1");
    assert!(
        markdown.contains("at most 1 for every recipe"),
        "{markdown}"
    );
    assert_eq!(cells[10], "MAE 9.36 (ratio 0.779)");
    assert_eq!(row("coarse", &markdown)[10], "");
    assert_eq!(
        cells[4],
        row("coarse", &markdown)[4],
        "not the same test songs"
    );
    let read = |name: &str| fs::read(place.path().join("run").join(name)).expect(name);
    assert_eq!(read("narrow/split.csv"), read("coarse/split.csv"));
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.contains("published (DEAM)"), "{printed}");

    // what is finished is kept, what is new (here a network of labels) is trained, and the table holds all
    let labels = recipe("labels", &|text| {
        text.replace(
            "valence_arousal = 1.0",
            "valence_arousal = 0.0\nemotions = \"binary-cross-entropy\"",
        )
        .replace("dropout = 0.1", "dropout = 0.1\noutput = \"sigmoid\"")
            + "[paper]\nmicro_f1 = 0.59\n"
    });
    let recipes = format!("{recipes},{labels}");
    let before = read("narrow/model.onnx");
    let options = [
        "--recipes",
        &recipes,
        "--table",
        text(&table),
        "--epochs",
        "1",
    ];
    refused(
        &train(place.path(), &mini(), &options),
        "holds a finished run",
    );
    assert!(!place.path().join("run/labels").exists());
    // An earlier version of the program knew fewer fields, and wrote no default of theirs.
    let written = place.path().join("run/narrow/recipe.toml");
    let recipe = fs::read_to_string(&written).expect("is there");
    let older = recipe.replace("members = 1\n", "");
    assert_ne!(recipe, older);
    fs::write(&written, older).expect("a file");
    let options = [&options[..], &["--resume"]].concat();
    let said = succeeded(&train(place.path(), &mini(), &options));
    assert_eq!(said.matches("it is kept").count(), 2, "{said}");
    assert_eq!(read("narrow/model.onnx"), before);
    let again = fs::read_to_string(&table).expect("is written");
    assert!(again.contains(&markdown.lines().nth(2).expect("a row").to_owned()));
    let markdown = again;
    let cells = row("labels", &markdown);
    assert_eq!(cells[10], "micro F1 0.59");
    let scores: serde_json::Value =
        serde_json::from_slice(&read("labels/scores.json")).expect("JSON");
    let labels = &scores["multi_label"];
    let micro = labels["report"]["micro avg"]["f1-score"].as_f64();
    assert_eq!(cells[9], format!("{:.3}", micro.expect("a number")));
    assert_eq!(labels["threshold"], labels["search"]["best"]["threshold"]);
    let table = rows(&place.path().join("run/labels/predictions.parquet"));
    assert!(table.column_by_name("probability_content").is_some());

    let twice = format!("{narrow},{narrow}");
    let options = ["--recipes", &twice, "--resume", "--epochs", "1"];
    refused(&train(place.path(), &mini(), &options), "share a directory");
    let options = ["--recipes", "mel-cnn9"];
    refused(&train(place.path(), &mini(), &options), "mel-cnn2");
}

#[test]
fn all_recipes_are_compared_and_one_without_its_votes_is_left_out() {
    let place = tempfile::tempdir().expect("a directory");
    let table = place.path().join("table.md");
    let options = ["--epochs", "1", "--table", text(&table), "--recipes"];
    let named = [&options[..], &["best-cnn,best-cnn-felt"]].concat();
    refused(&train(place.path(), &mini(), &named), "--set votes=DATA");
    assert!(!place.path().join("run").exists());
    let all = [&options[..], &["all"]].concat();
    let said = succeeded(&train(place.path(), &mini(), &all));
    assert!(
        said.contains("best-cnn-felt is left out: it also learns"),
        "{said}"
    );
    let markdown = fs::read_to_string(&table).expect("is written");
    let rows: Vec<&str> = markdown
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    assert_eq!(rows.len(), 2 + 8, "{markdown}");
    for figure in [
        "MAE 9.36",
        "MAE 9.76",
        "MAE 10.34",
        "MAE 10.86",
        "MAE 11.08",
        "micro F1 0.59",
    ] {
        assert_eq!(markdown.matches(figure).count(), 1, "{figure}: {markdown}");
    }
}

#[test]
fn a_network_with_attention_and_an_lstm_over_windows_shows_its_weights_in_a_timeline() {
    let place = tempfile::tempdir().expect("a directory");
    let recipe = RECIPE.replace(
        "mix = 8",
        "mix = 8\nrecurrent = 4\nrecurrent_layers = 2\nrecurrent_pool = 2\npooling = \"attention\"",
    );
    fs::write(place.path().join("tiny.toml"), recipe).expect("a file");
    succeeded(&train(place.path(), &mini(), &["--epochs", "1"]));
    let song = fs::read_dir(mini().join("DEAM_audio/MEMD_audio"))
        .expect("songs")
        .next();
    let song = song.expect("one").expect("readable").path();
    let model = place.path().join("run/model.onnx");
    let timeline = ["timeline", text(&song), "--json", "--model", text(&model)];
    let output = circumplex(&timeline);
    succeeded(&output);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let windows = json["timeline"].as_array().expect("windows");
    assert!(!windows.is_empty());
    for window in windows {
        let weights = window["attention"].as_array().expect("weights");
        let sum: f64 = weights.iter().filter_map(serde_json::Value::as_f64).sum();
        assert!(weights.len() > 1 && (sum - 1.0).abs() < 1e-4, "{window}");
    }
}

fn text_of(path: &Path) -> String {
    text(path).to_owned()
}
