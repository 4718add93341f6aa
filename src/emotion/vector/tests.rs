//! Emotion vectors from weights, boxes and text.

use super::*;

#[test]
fn names_are_read_in_any_case_and_written_in_lower_case() {
    for emotion in Emotion::ALL {
        let name = emotion.name();
        assert_eq!(name.parse::<Emotion>(), Ok(emotion));
        assert_eq!(
            format!(" {} ", name.to_uppercase()).parse::<Emotion>(),
            Ok(emotion)
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
fn a_mistyped_name_gets_a_suggestion_and_a_strange_one_the_list() {
    let error = "exited".parse::<Emotion>().unwrap_err();
    assert_eq!(error.suggestion, Some(Emotion::Excited));
    assert!(
        error.to_string().contains("did you mean \"excited\"?"),
        "{error}"
    );
    let error = "zzz".parse::<Emotion>().unwrap_err();
    assert_eq!(error.suggestion, None);
    assert!(error.to_string().contains("happy, excited, tense"));
}

#[test]
fn only_valid_percentages_make_a_vector() {
    let with = |value: f32| {
        let mut values = [12.5; 8];
        values[2] = value;
        EmotionVector::new(values)
    };
    assert!(with(12.55).is_ok());
    assert!(matches!(with(13.0), Err(InvalidVector::Sum { .. })));
    assert!(matches!(
        with(f32::NAN),
        Err(InvalidVector::NotFinite {
            emotion: Emotion::Tense,
            ..
        })
    ));
    assert!(matches!(
        with(f32::INFINITY),
        Err(InvalidVector::NotFinite { .. })
    ));
    assert!(matches!(
        with(-1.0),
        Err(InvalidVector::Negative {
            emotion: Emotion::Tense,
            ..
        })
    ));
}

#[test]
fn weights_of_any_size_are_normalised_without_overflow() {
    for unit in [1e-300, 1.0, 1e308] {
        let vector = EmotionVector::from_weights([unit; 8]).unwrap();
        assert_eq!(vector, EmotionVector::even());
    }
    assert_eq!(
        EmotionVector::from_weights([0.0; 8]),
        Err(InvalidVector::AllZero)
    );
    assert!(EmotionVector::from_weights([f64::INFINITY; 8]).is_err());
}

#[test]
fn the_first_of_equally_strong_emotions_is_the_strongest() {
    let vector = EmotionVector::from_weights([1.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!(vector.strongest(), Emotion::Tense);
    assert_eq!(EmotionVector::even().strongest(), Emotion::Happy);
}

#[test]
fn cosine_is_one_for_the_same_direction_and_zero_for_disjoint_emotions() {
    let only = |i: usize| {
        let mut weights = [0.0; 8];
        weights[i] = 1.0;
        EmotionVector::from_weights(weights).unwrap()
    };
    assert_eq!(only(0).cosine(&only(0)), 1.0);
    assert_eq!(only(0).cosine(&only(1)), 0.0);
    let expected = 1.0 / 8.0_f64.sqrt();
    assert!((only(3).cosine(&EmotionVector::even()) - expected).abs() < 1e-12);
}

#[test]
fn json_goes_there_and_back_as_object_and_as_array() {
    #[derive(Serialize, Deserialize)]
    struct Row {
        #[serde(with = "super::as_array")]
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
fn an_invalid_vector_cannot_be_deserialised() {
    for (json, reason) in [
        ("[50,50,0,0,0,0,0]", "invalid length 7"),
        ("[50,50,0,0,0,0,0,0,0]", "invalid length 9"),
        ("[50,60,0,0,0,0,0,0]", "sum to 100"),
        ("[-50,150,0,0,0,0,0,0]", "negative"),
        (r#"{"happy":100}"#, "missing field `excited`"),
        (r#"{"hapy":100}"#, "did you mean"),
        (r#"{"happy":50,"happy":50}"#, "duplicate field `happy`"),
        ("\"happy\"", "eight percentages"),
    ] {
        let error = serde_json::from_str::<EmotionVector>(json).unwrap_err();
        assert!(error.to_string().contains(reason), "{json}: {error}");
    }
}
