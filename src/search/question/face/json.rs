//! The rows of JSON.

use super::{
    FaceError,
    rows::{OnRow, Row},
};
use serde_json::Value;
use std::{io::Read, ops::ControlFlow};

/// Hands each row to `on_row`, as soon as it is there.
pub(super) fn read_json(
    input: impl Read,
    name: &str,
    on_row: &mut OnRow<'_>,
) -> Result<(), FaceError> {
    let json_error = |source| FaceError::Json {
        name: name.to_owned(),
        source,
    };
    let mut objects = Objects {
        name,
        on_row,
        number: 0,
        image: 0,
    };
    let mut values = serde_json::Deserializer::from_reader(input).into_iter::<Value>();
    // A list alone holds the rows; the first of several lists holds the faces of the first frame.
    let mut first = values.next().transpose().map_err(json_error)?;
    let mut next = None;
    if let Some(Value::Array(_)) = &first {
        next = values.next().transpose().map_err(json_error)?;
        if next.is_none()
            && let Some(Value::Array(items)) = first.take()
        {
            for item in items {
                if objects.element(item)?.is_break() {
                    return Ok(());
                }
            }
            return Ok(());
        }
    }
    for value in first.into_iter().chain(next) {
        if objects.element(value)?.is_break() {
            return Ok(());
        }
    }
    for value in values {
        if objects.element(value.map_err(json_error)?)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// JSON values to rows.
struct Objects<'a, 'b> {
    name: &'a str,
    on_row: &'a mut OnRow<'b>,
    number: u64,
    image: u64,
}

/// Keys under which programs put the faces of one image.
const FACES: [&str; 2] = ["results", "faces"];

impl Objects<'_, '_> {
    /// A row, or the faces of one image.
    fn element(&mut self, value: Value) -> Result<ControlFlow<()>, FaceError> {
        match value {
            Value::Object(mut object) => {
                let faces = FACES.iter().find_map(|key| match object.get(*key) {
                    Some(Value::Array(_)) => object.remove(*key),
                    _ => None,
                });
                match faces {
                    Some(Value::Array(faces)) => self.image(faces, &object),
                    _ => self.row(&object, None),
                }
            }
            Value::Array(faces) => self.image(faces, &serde_json::Map::new()),
            other => Err(self.shape(&other)),
        }
    }

    /// The faces of one image, each with what is said of the image.
    fn image(
        &mut self,
        faces: Vec<Value>,
        about: &serde_json::Map<String, Value>,
    ) -> Result<ControlFlow<()>, FaceError> {
        let image = self.image;
        self.image += 1;
        if faces.is_empty() {
            return self.row(&serde_json::Map::new(), Some(image));
        }
        for face in faces {
            let Value::Object(mut face) = face else {
                return Err(self.shape(&face));
            };
            for (key, value) in about {
                face.entry(key.clone()).or_insert_with(|| value.clone());
            }
            if self.row(&face, Some(image))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn row(
        &mut self,
        object: &serde_json::Map<String, Value>,
        image: Option<u64>,
    ) -> Result<ControlFlow<()>, FaceError> {
        self.number += 1;
        let (mut names, mut texts) = (Vec::new(), Vec::new());
        flatten("", object, &mut names, &mut texts);
        (self.on_row)(&Row::of_texts(self.number, image, &names, &texts))
    }

    fn shape(&self, found: &Value) -> FaceError {
        FaceError::Shape {
            name: self.name.to_owned(),
            row: self.number + 1,
            found: match found {
                Value::Null => "null",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                Value::String(_) => "a text",
                Value::Array(_) => "a list",
                Value::Object(_) => "an object",
            },
        }
    }
}

/// The values of an object and of those in it, under names with dots. Lists say nothing that is needed.
fn flatten(
    before: &str,
    object: &serde_json::Map<String, Value>,
    names: &mut Vec<String>,
    texts: &mut Vec<String>,
) {
    for (key, value) in object {
        let text = match value {
            Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            Value::Object(inner) => {
                flatten(&format!("{before}{key}."), inner, names, texts);
                continue;
            }
            Value::Array(_) => continue,
        };
        names.push(format!("{before}{key}"));
        texts.push(text);
    }
}
