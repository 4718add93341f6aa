//! The expression network in libtorch, and the same network as ONNX.

use super::recipe::{FaceRecipe, Layer};
use crate::{
    emotion::Expression,
    error::{Context, ErrorKind, Result},
    face::{FACE, FACE_METADATA_KEY, FaceMetadata, PIXELS, PROBABILITIES, SIDE},
    train::{
        network::{FRESH, NORM_EPSILON, NORM_MOMENTUM, folded, values},
        onnx::GraphBuilder,
    },
};
use tch::{
    Device, Kind, Tensor,
    nn::{self, Module, ModuleT},
};

const EXPRESSIONS: i64 = Expression::COUNT as i64;
/// Added to a picture's deviation, in steps of gray, so that an empty picture is not divided by 0.
const DEVIATION_FLOOR: f64 = 0.25;

#[derive(Debug)]
enum Built {
    Convolution(Box<nn::Conv2D>, Option<Box<nn::BatchNorm>>),
    MaxPool,
    GlobalAverage,
    Dense(nn::Linear),
    Dropout(f64),
}

/// The network that a recipe describes, with its weights.
#[derive(Debug)]
pub(crate) struct FaceNetwork {
    variables: nn::VarStore,
    layers: Vec<Built>,
    last: nn::Linear,
}

/// Brings every picture `[batch, 1, 48, 48]` to mean 0 and deviation 1.
pub(super) fn standardized(pictures: &Tensor) -> Tensor {
    let over = &[1_i64, 2, 3][..];
    let rest = pictures - pictures.mean_dim(over, true, Kind::Float);
    let deviation = rest.square().mean_dim(over, true, Kind::Float).sqrt();
    rest / (deviation + DEVIATION_FLOOR)
}

impl FaceNetwork {
    /// A network with fresh weights; libtorch's generator must be seeded before.
    pub(super) fn new(recipe: &FaceRecipe, device: Device) -> Self {
        let variables = nn::VarStore::new(device);
        let root = &variables.root();
        let (mut width, mut side) = (1_i64, SIDE as i64);
        let linear = nn::LinearConfig {
            ws_init: FRESH,
            bs_init: Some(nn::Init::Const(0.0)),
            bias: true,
        };
        let inputs = |width: i64, side: i64| width * side.max(1) * side.max(1);
        let mut layers = Vec::new();
        for (number, layer) in recipe.layers.iter().enumerate() {
            let path = &(root / format!("layer_{number}"));
            layers.push(match layer {
                Layer::Convolution {
                    filters,
                    batch_norm,
                } => {
                    let filters = *filters as i64;
                    let config = nn::ConvConfig {
                        padding: 1,
                        bias: !batch_norm,
                        ws_init: FRESH,
                        ..nn::ConvConfig::default()
                    };
                    let mut convolution =
                        nn::conv2d(path / "convolution", width, filters, 3, config);
                    in_channels_last(&mut convolution.ws);
                    width = filters;
                    let config = nn::BatchNormConfig {
                        eps: NORM_EPSILON,
                        momentum: NORM_MOMENTUM,
                        ws_init: nn::Init::Const(1.0),
                        ..nn::BatchNormConfig::default()
                    };
                    let norm = batch_norm
                        .then(|| Box::new(nn::batch_norm2d(path / "norm", width, config)));
                    Built::Convolution(Box::new(convolution), norm)
                }
                Layer::MaxPool {} => {
                    side /= 2;
                    Built::MaxPool
                }
                Layer::GlobalAverage {} => {
                    side = 0;
                    Built::GlobalAverage
                }
                Layer::Dense { units } => {
                    let units = *units as i64;
                    let dense = nn::linear(path / "dense", inputs(width, side), units, linear);
                    (width, side) = (units, 0);
                    Built::Dense(dense)
                }
                Layer::Dropout { share } => Built::Dropout(*share),
            });
        }
        Self {
            last: nn::linear(root / "last", inputs(width, side), EXPRESSIONS, linear),
            layers,
            variables,
        }
    }

    /// The weights.
    pub(super) fn variables(&self) -> &nn::VarStore {
        &self.variables
    }

    /// Numbers that training adapts.
    pub(crate) fn parameters(&self) -> usize {
        let trained = self.variables.trainable_variables();
        trained.iter().map(Tensor::numel).sum()
    }

    /// Logits `[batch, 8]` of standardized pictures `[batch, 1, 48, 48]`.
    pub(super) fn forward(&self, pictures: &Tensor, train: bool) -> Tensor {
        let mut x = pictures.shallow_clone();
        for layer in &self.layers {
            x = match layer {
                Built::Convolution(convolution, norm) => {
                    let x = convolution.forward(&x);
                    let x = match norm {
                        Some(norm) => norm.forward_t(&x, train),
                        None => x,
                    };
                    x.relu()
                }
                Built::MaxPool => x.max_pool2d_default(2),
                Built::GlobalAverage => x.mean_dim(&[2_i64, 3][..], false, Kind::Float),
                Built::Dense(dense) => dense.forward(&x.flatten(1, -1)).relu(),
                Built::Dropout(share) => x.dropout(*share, train),
            };
        }
        self.last.forward(&x.flatten(1, -1))
    }

    /// The network as an ONNX file: from gray pixels, 0 to 255, to probabilities.
    ///
    /// # Errors
    /// If the metadata cannot be written, which none of this program causes.
    pub(super) fn to_onnx(&self, metadata: &FaceMetadata) -> Result<Vec<u8>> {
        let mut graph = GraphBuilder::new(&metadata.name);
        let side = SIDE as i64;
        let face = graph.input(FACE, &[1, SIDE, SIDE]);
        let flat = graph.reshape(&face, &[0, PIXELS as i64]);
        let mean = graph.reduce("ReduceMean", &flat, 1, true);
        let rest = graph.apply("Sub", &[&flat, &mean]);
        let squares = graph.apply("Mul", &[&rest, &rest]);
        let variance = graph.reduce("ReduceMean", &squares, 1, true);
        let deviation = graph.apply("Sqrt", &[&variance]);
        let floor = graph.floats(&[1], &[DEVIATION_FLOOR as f32]);
        let deviation = graph.apply("Add", &[&deviation, &floor]);
        let standardized = graph.apply("Div", &[&rest, &deviation]);
        let mut x = graph.reshape(&standardized, &[0, 1, side, side]);
        let mut is_vector = false;
        for layer in &self.layers {
            x = match layer {
                Built::Convolution(convolution, norm) => {
                    let (weight, bias) =
                        folded(&convolution.ws, convolution.bs.as_ref(), norm.as_deref());
                    let weight = (&*convolution.ws.size(), &*weight);
                    let x = graph.convolution(&x, weight, &bias, [1, 1]);
                    graph.apply("Relu", &[&x])
                }
                Built::MaxPool => graph.maximum_pool(&x, [2, 2]),
                Built::GlobalAverage => {
                    is_vector = true;
                    let x = graph.reduce("ReduceMean", &x, 3, false);
                    graph.reduce("ReduceMean", &x, 2, false)
                }
                Built::Dense(dense) => {
                    if !std::mem::replace(&mut is_vector, true) {
                        x = graph.reshape(&x, &[0, dense.ws.size()[1]]);
                    }
                    let x = dense_layer(&mut graph, &x, dense);
                    graph.apply("Relu", &[&x])
                }
                Built::Dropout(_) => continue,
            };
        }
        if !is_vector {
            x = graph.reshape(&x, &[0, self.last.ws.size()[1]]);
        }
        let logits = dense_layer(&mut graph, &x, &self.last);
        let probabilities = graph.softmax(&logits, 1);
        graph.rename(&probabilities, PROBABILITIES);
        graph.output(PROBABILITIES, &[Expression::COUNT]);
        let metadata = serde_json::to_string(metadata).context(
            ErrorKind::Training,
            "the model's metadata cannot be written",
        )?;
        Ok(graph.finish(FACE_METADATA_KEY, &metadata))
    }
}

/// Stores the weights of a convolution channels last: libtorch then computes all after it in that order, which is faster on
/// processors.
fn in_channels_last(weight: &mut Tensor) {
    let _guard = tch::no_grad_guard();
    let ordered = weight.detach().permute([0, 2, 3, 1]).contiguous();
    weight.set_data(&ordered.permute([0, 3, 1, 2]));
}

fn dense_layer(graph: &mut GraphBuilder, x: &String, layer: &nn::Linear) -> String {
    let bias = layer.bs.as_ref().map(values).unwrap_or_default();
    graph.dense(x, (&layer.ws.size(), &values(&layer.ws)), &bias)
}
