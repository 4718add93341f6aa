use super::{FaceRecipe, TrainedFaces, train_faces};
use crate::{
    ErrorKind, Result,
    dataset::{FaceSet, LabeledFace, Part},
    emotion::Expression,
    evaluate::faces::{FaceScores, judge},
    face::FaceModel,
    test_faces::{DRAWN, draw},
};
use std::{num::NonZeroUsize, path::Path};
use tch::Device;
use tempfile::tempdir;

/// Every kind of layer, small.
const RECIPE: &str = r#"
name = "tiny"
seed = 3
layers = [
    { kind = "convolution", filters = 8, batch_norm = true },
    { kind = "max-pool" },
    { kind = "convolution", filters = 8 },
    { kind = "max-pool" },
    { kind = "convolution", filters = 16, batch_norm = true },
    { kind = "max-pool" },
    { kind = "dense", units = 16 },
    { kind = "dropout", share = 0.1 },
]
[training]
optimizer = "adamw"
schedule = "one-cycle"
learning_rate = 1e-2
epochs = 4
batch = 16
averaging = 0.9
[augment]
flip = true
turn = 5.0
shift = 2.0
light = 0.1
blur = 0.2
noise = 0.2
cover = 0.1
"#;

fn recipe(change: impl FnOnce(&mut FaceRecipe)) -> FaceRecipe {
    let mut recipe = FaceRecipe::parse("tiny", RECIPE).unwrap();
    change(&mut recipe);
    recipe.checked("tiny").unwrap()
}

fn faces() -> FaceSet {
    let mut set = FaceSet {
        name: "drawn".to_owned(),
        ..FaceSet::default()
    };
    for number in 0..240 {
        let kind = number % DRAWN.len();
        let expression: Expression = DRAWN[kind].parse().unwrap();
        let mut shares = [0.0; Expression::COUNT];
        shares[expression.index()] = 1.0;
        set.pixels.extend(draw(kind, number));
        set.faces.push(LabeledFace {
            name: number.to_string(),
            part: Some(match number {
                0..160 => Part::Train,
                160..200 => Part::Validation,
                _ => Part::Test,
            }),
            person: None,
            shares,
            majority: Some(expression),
        });
    }
    set
}

fn train(recipe: &FaceRecipe, checkpoint: &Path) -> Result<TrainedFaces> {
    train_faces(recipe, &faces(), Device::Cpu, checkpoint, |_| true)
}

fn onnx(trained: &TrainedFaces) -> Vec<u8> {
    trained.onnx(serde_json::Value::Null).unwrap()
}

#[test]
fn a_network_learns_drawn_faces_and_its_file_answers_as_it_does() {
    let directory = tempdir().unwrap();
    let trained = train(&recipe(|_| ()), &directory.path().join("a")).unwrap();
    assert_eq!(trained.history.len(), 4);
    // Chance is a quarter. The numbers are drawn anew each time where other tests draw beside this one.
    assert!(trained.training_accuracy.unwrap() > 0.7);
    let model = FaceModel::from_bytes("tiny", &onnx(&trained)).unwrap();
    let (set, threads) = (faces(), NonZeroUsize::MIN);
    let score = |part| {
        let judged = judge(&set, &set.part(part), &model, threads, || ()).unwrap();
        FaceScores::of(&judged).unwrap()
    };
    let test = score(Part::Test);
    assert!(test.accuracy > 0.7, "{test:?}");
    // the accuracy and the divergence that libtorch computed are those of the file
    let kept = &trained.history[trained.kept];
    let validation = score(Part::Validation);
    assert_eq!(validation.accuracy, kept.validation_accuracy);
    assert!((validation.divergence - kept.validation_loss).abs() < 1e-4);
    let training = &model.metadata().training;
    assert_eq!((training.faces, training.validation_faces), (160, 40));
    assert_eq!(
        FaceRecipe::parse("kept", &training.recipe).unwrap(),
        recipe(|_| ())
    );
    // folding batch normalization leaves its two numbers per filter out
    assert!(model.size().0 < trained.parameters() + 8);
}

#[test]
fn a_loss_that_is_no_number_and_too_few_faces_are_errors() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("checkpoint");
    let recipe = recipe(|recipe| {
        recipe.training.optimizer = super::recipe::Optimizer::SgdNesterov;
        recipe.training.learning_rate = 1e3;
        recipe.training.weight_decay = 1e3;
    });
    let error = train(&recipe, &path).unwrap_err();
    assert!(error.to_string().contains("learning_rate"), "{error}");
    let mut set = faces();
    set.faces
        .iter_mut()
        .for_each(|face| face.part = Some(Part::Test));
    let error = train_faces(&recipe, &set, Device::Cpu, &path, |_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Training);
    assert!(error.to_string().contains("0 faces to train on"), "{error}");
}
