//! Emotion vectors from weights, boxes and text.

use super::{Emotion, EmotionVector};
use serde::{Deserialize, Serialize};

#[test]
fn names_are_read_in_any_case_and_written_in_lower_case() {
    for emotion in Emotion::ALL {
        let name = emotion.name();
        assert_eq!(name.parse::<Emotion>().unwrap(), emotion);
        assert_eq!(
            format!(" {} ", name.to_uppercase())
                .parse::<Emotion>()
                .unwrap(),
            emotion
        );
        assert_eq!(emotion.to_string(), name);
        assert_eq!(Emotion::ALL[emotion.index()], emotion);
        assert_eq!(
            serde_json::to_string(&emotion).unwrap(),
            format!("{name:?}")
        );
    }
}

#[test]
fn a_mistyped_name_gets_a_suggestion_and_another_word_the_list() {
    let message = |text: &str| text.parse::<Emotion>().unwrap_err().to_string();
    assert!(message("exited").contains("did you mean \"excited\"?"));
    assert!(message("clam").contains("did you mean \"calm\"?"));
    let other = message("zzz");
    assert!(!other.contains("did you mean"), "{other}");
    assert!(other.contains("happy, excited, tense"), "{other}");
}

#[test]
fn only_valid_percentages_make_a_vector() {
    let with = |value: f32| {
        let mut values = [12.5; 8];
        values[2] = value;
        EmotionVector::new(values)
    };
    assert!(with(12.55).is_ok());
    for (value, reason) in [
        (13.0, "sum to 100 (within 0.1), found a sum of 100.5"),
        (f32::NAN, "tense must be a finite number, found NaN"),
        (f32::INFINITY, "tense must be a finite number, found inf"),
        (-1.0, "tense must not be negative, found -1"),
    ] {
        let error = with(value).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn weights_of_any_size_are_normalised_without_overflow() {
    for unit in [1e-300, 1.0, 1e308] {
        let vector = EmotionVector::from_weights([unit; 8]).unwrap();
        assert_eq!(vector, EmotionVector::even());
    }
    let error = EmotionVector::from_weights([0.0; 8]).unwrap_err();
    assert!(error.to_string().contains("above zero"), "{error}");
    assert!(EmotionVector::from_weights([f64::INFINITY; 8]).is_err());
}

#[test]
fn the_first_of_equally_strong_emotions_is_the_strongest() {
    let vector = EmotionVector::from_weights([1.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!(vector.strongest(), Emotion::Tense);
    assert_eq!(EmotionVector::even().strongest(), Emotion::Happy);
}

#[test]
fn json_goes_there_and_back_as_object_and_as_array() {
    #[derive(Serialize, Deserialize)]
    struct Row {
        #[serde(with = "crate::emotion::as_array")]
        emotions: EmotionVector,
    }
    let vector = EmotionVector::from_weights([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).unwrap();
    let object = serde_json::to_string(&vector).unwrap();
    assert!(object.starts_with("{\"happy\":"), "{object}");
    assert_eq!(
        serde_json::from_str::<EmotionVector>(&object).unwrap(),
        vector
    );
    let row = serde_json::to_string(&Row { emotions: vector }).unwrap();
    assert!(row.starts_with("{\"emotions\":["), "{row}");
    assert_eq!(serde_json::from_str::<Row>(&row).unwrap().emotions, vector);
}

#[test]
fn an_invalid_vector_cannot_be_deserialized() {
    #[derive(Deserialize)]
    struct Array(#[serde(with = "crate::emotion::as_array")] EmotionVector);
    for (json, reason) in [
        ("[50,50,0,0,0,0,0]", "invalid length 7"),
        ("[50,50,0,0,0,0,0,0,0]", "trailing characters"),
        ("[50,60,0,0,0,0,0,0]", "sum to 100"),
        ("[-50,150,0,0,0,0,0,0]", "negative"),
    ] {
        let error = serde_json::from_str::<Array>(json)
            .map(|array| array.0)
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{json}: {error}");
    }
    let even = serde_json::to_string(&EmotionVector::even()).unwrap();
    for (json, reason) in [
        (r#"{"happy":100}"#, "one of the eight is missing"),
        (r#"{"hapy":100}"#, "unknown variant `hapy`"),
        (&even.replace("12.5", "13"), "sum to 100"),
        ("\"happy\"", "expected a map"),
    ] {
        let error = serde_json::from_str::<EmotionVector>(json).unwrap_err();
        assert!(error.to_string().contains(reason), "{json}: {error}");
    }
}
