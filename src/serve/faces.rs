//! Faces: a picture to its expressions, and expressions over time to emotions. Pictures stay in memory and are never stored.

use super::{
    Answer, PICTURES, Shared,
    answer::{Failure, PICTURE_LIMIT, Reply, blocking, body, json},
    query::{expression_weights, place_of},
};
use crate::{
    contain::catch_panic,
    emotion::{Expression, FaceMap, scaled_to},
    error::{Error, Result},
    face::{Face, FaceModel, FaceReader, decode, observe_shares},
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{OnceLock, mpsc},
    thread,
};
use tokio::sync::oneshot;

/// A picture's bytes, and where its answer goes.
type Job = (Vec<u8>, oneshot::Sender<Result<Seen>>);

/// The thread that looks at pictures, which starts with the first: the detector stays on one thread, and two would only wait for
/// each other's cores.
#[derive(Default)]
pub(super) struct FaceThread(OnceLock<mpsc::SyncSender<Job>>);

/// What a picture shows.
struct Seen {
    width: u32,
    height: u32,
    /// The mean of its gray pixels, 0 to 255.
    brightness: f64,
    faces: Vec<Face>,
}

impl FaceThread {
    async fn look(&self, picture: Vec<u8>) -> std::result::Result<Seen, Failure> {
        let jobs = self.0.get_or_init(|| {
            let (sender, jobs) = mpsc::sync_channel(PICTURES);
            thread::spawn(move || work(jobs));
            sender
        });
        let (sender, seen) = oneshot::channel();
        let ended = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "circumplex is ending");
        jobs.try_send((picture, sender)).map_err(|_| {
            let message = "too many pictures at once; send the next one after the answer";
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
        })?;
        Ok(seen.await.map_err(|_| ended())??)
    }
}

fn work(jobs: mpsc::Receiver<Job>) {
    let mut reader = None;
    for (picture, answer) in jobs {
        let seen = catch_panic(|| look(&mut reader, &picture));
        // Nobody waits for it where the page was closed.
        let _ = answer.send(seen.map_err(Error::from).flatten());
    }
}

fn look(reader: &mut Option<FaceReader>, picture: &[u8]) -> Result<Seen> {
    let picture = decode(picture)?;
    let reader = match reader {
        Some(reader) => reader,
        None => reader.insert(FaceReader::new(
            FaceModel::shipped()?,
            FaceReader::SMALLEST,
        )?),
    };
    let gray = picture.to_luma8();
    let sum: u64 = gray.iter().map(|pixel| u64::from(*pixel)).sum();
    Ok(Seen {
        width: picture.width(),
        height: picture.height(),
        brightness: sum as f64 / gray.len().max(1) as f64,
        faces: reader.faces(&picture)?,
    })
}

/// `POST /api/face`: the faces in a picture, largest first.
pub(super) async fn face(State(server): State<Shared>, request: Request) -> Answer {
    // Others wait before their pictures are received.
    let permit = server.pictures.acquire().await;
    let picture = body(request, PICTURE_LIMIT).await?;
    let seen = server.faces.look(picture).await?;
    drop(permit);
    let faces: Vec<Value> = seen.faces.iter().map(face_json).collect();
    Reply::json(&json!({
        "width": seen.width,
        "height": seen.height,
        "brightness": seen.brightness,
        "faces": faces,
    }))
}

fn face_json(face: &Face) -> Value {
    let [x, y, width, height] = face.region;
    json!({
        "box": { "x": x, "y": y, "width": width, "height": height },
        "score": face.score,
        "expressions": by_name(face.expressions.map(f64::from)),
    })
}

fn by_name(numbers: [f64; Expression::COUNT]) -> Map<String, Value> {
    let named = Expression::ALL.iter().zip(numbers);
    named
        .map(|(expression, number)| (expression.to_string(), number.into()))
        .collect()
}

/// The frames of an observation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frames {
    frames: Vec<Frame>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    t_s: f64,
    expressions: Option<BTreeMap<String, f64>>,
}

/// `POST /api/observations`: the expressions of a face over time to seconds and emotions.
pub(super) async fn observations(request: Request) -> Answer {
    let Frames { frames } = json(request).await?;
    let observed = blocking(move || {
        let mut shares = Vec::new();
        for frame in &frames {
            if !frame.t_s.is_finite() {
                return Err(Error::invalid("frames: expected times in seconds"));
            }
            let weights = frame
                .expressions
                .as_ref()
                .map(expression_weights)
                .transpose()?;
            // Weights that cannot be mixed are an error here as everywhere.
            if let Some(weights) = &weights {
                FaceMap::default().mix(weights)?;
            }
            let scaled = weights.and_then(|weights| scaled_to(1.0, weights));
            shares.push((frame.t_s, scaled));
        }
        let (seen, seconds_per_frame) = observe_shares(&shares)?;
        let emotions = FaceMap::default().mix(&seen.shares)?;
        let seconds = seen.frames as f64 * seconds_per_frame;
        let [valence, arousal] = place_of(&emotions);
        Ok(json!({
            "seconds": by_name(seen.shares.map(|share| share * seconds)),
            "emotions": emotions,
            "valence": valence,
            "arousal": arousal,
            "frames": seen.frames,
            "without_face": seen.without_face,
        }))
    });
    Reply::json(&observed.await?)
}
