//! Checkpoints, byte by byte.

use super::{checkpoint::*, fit::EpochScores, weights::Weights};
use tch::{Device, Tensor};

fn identity() -> Identity {
    Identity {
        recipe: "a".to_owned(),
        songs: "b".to_owned(),
        spectrograms: "c".to_owned(),
    }
}

fn weights(value: f32) -> Weights {
    let tensor = |size: &[f32]| Tensor::from_slice(size) * f64::from(value);
    [
        (
            "layer.weight".to_owned(),
            tensor(&[1.5, -2.0]).reshape([2, 1]),
        ),
        ("layer.bias".to_owned(), tensor(&[0.25])),
    ]
    .into_iter()
    .collect()
}

fn state() -> State {
    let epoch = |epoch, validation_mae| EpochScores {
        epoch,
        loss: 0.1 + 0.2,
        validation_mae,
        learning_rate: 1.0 / 3.0,
        seconds: 2.5,
        outside_libtorch: 0.01,
    };
    State {
        history: vec![epoch(0, Some(11.1)), epoch(1, None)],
        weights: weights(1.0),
        best_epoch: Some(0),
        optimizer: Some(OptimizerState {
            steps: 7,
            first_moments: weights(2.0),
            second_moments: weights(3.0),
            average: None,
            best: Some(weights(4.0)),
        }),
    }
}

#[test]
fn what_was_written_is_read_bit_for_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.safetensors");
    assert!(read(&path, &identity(), Device::Cpu).unwrap().is_none());
    write(&path, &identity(), &state()).unwrap();
    let (written, found) = (
        state(),
        read(&path, &identity(), Device::Cpu).unwrap().unwrap(),
    );
    assert_eq!(written.history, found.history);
    assert_eq!(written.best_epoch, found.best_epoch);
    assert!(written.weights.equals(&found.weights));
    let (written, found) = (written.optimizer.unwrap(), found.optimizer.unwrap());
    assert_eq!(written.steps, found.steps);
    assert!(written.first_moments.equals(&found.first_moments));
    assert!(written.second_moments.equals(&found.second_moments));
    assert!(found.average.is_none());
    assert!(written.best.unwrap().equals(&found.best.unwrap()));
}

#[test]
fn any_flipped_bit_or_missing_end_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.safetensors");
    write(&path, &identity(), &state()).unwrap();
    let sound = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path, &identity(), Device::Cpu).unwrap_err();
        assert!(error.to_string().contains("a.safetensors"), "{error}");
    };
    for length in [0, 7, 8, 100, sound.len() - 1] {
        refused(&sound[..length]);
    }
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x10;
        refused(&flipped);
    }
}

#[test]
fn a_checkpoint_of_something_else_says_of_what() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.safetensors");
    write(&path, &identity(), &state()).unwrap();
    let other = Identity {
        songs: "others".to_owned(),
        ..identity()
    };
    let error = read(&path, &other, Device::Cpu).unwrap_err();
    assert!(
        error.to_string().contains("songs, split or labels"),
        "{error}"
    );
    let bytes = std::fs::read(&path).unwrap();
    let (old, new) = (br#""format_version":2"#, br#""format_version":9"#);
    let at = bytes.windows(old.len()).position(|found| found == old);
    let mut later = bytes.clone();
    later[at.unwrap()..][..new.len()].copy_from_slice(new);
    std::fs::write(&path, later).unwrap();
    let error = read(&path, &identity(), Device::Cpu).unwrap_err();
    assert!(error.to_string().contains("format version 9"), "{error}");
}
