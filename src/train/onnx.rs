//! A small builder of ONNX graphs: the operators that the networks here use, and no more.

use prost::Message;

use crate::model::onnx::{
    AttributeProto, DimensionProto, FLOAT, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};

/// Type of an attribute: one integer.
const INT: i32 = 2;
/// Type of an attribute: a string.
const STRING: i32 = 3;
/// Type of an attribute: integers.
const INTS: i32 = 7;
/// Type of a tensor's elements: 64-bit integers.
const INT64: i32 = 7;

/// Version of the ONNX operators that the graphs use.
const OPSET: i64 = 13;
/// Version of the ONNX file format: the one that came with [`OPSET`].
const IR_VERSION: i64 = 7;

/// The name of a value in the graph.
pub(crate) type Value = String;

/// The weights of a bidirectional LSTM, forward then backward, with libtorch's order of gates: input, forget, cell,
/// output.
#[derive(Debug)]
pub(crate) struct Lstm {
    /// Units in each direction.
    pub units: usize,
    /// `[4 * units, features]` each.
    pub input: [Vec<f32>; 2],
    /// `[4 * units, units]` each.
    pub recurrent: [Vec<f32>; 2],
    /// `[4 * units]` each.
    pub input_bias: [Vec<f32>; 2],
    /// `[4 * units]` each.
    pub recurrent_bias: [Vec<f32>; 2],
}

impl Lstm {
    /// Gates as ONNX orders them: input, output, forget, cell.
    fn in_onnx_order(&self, weights: &[f32]) -> Vec<f32> {
        let gates: Vec<&[f32]> = weights.chunks(weights.len() / 4).collect();
        [0, 3, 1, 2]
            .iter()
            .flat_map(|&gate| gates[gate])
            .copied()
            .collect()
    }
}

/// A graph under construction. Every method adds one node and returns the name of its output.
#[derive(Debug, Default)]
pub(crate) struct GraphBuilder {
    graph: GraphProto,
}

impl GraphBuilder {
    /// An empty graph.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            graph: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
        }
    }

    /// Declares the input: float32 `[batch, shape...]`.
    pub(crate) fn input(&mut self, name: &str, shape: &[usize]) -> Value {
        self.graph.input.push(tensor_of(name, shape));
        name.to_owned()
    }

    /// Declares an output: float32 `[batch, shape...]`, the value of that name.
    pub(crate) fn output(&mut self, name: &str, shape: &[usize]) {
        self.graph.output.push(tensor_of(name, shape));
    }

    /// A constant of 32-bit floats.
    pub(crate) fn floats(&mut self, shape: &[i64], values: &[f32]) -> Value {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(FLOAT, shape, raw_data)
    }

    fn integers(&mut self, values: &[i64]) -> Value {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(INT64, &[values.len() as i64], raw_data)
    }

    fn constant(&mut self, data_type: i32, shape: &[i64], raw_data: Vec<u8>) -> Value {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            data_type,
            dims: shape.to_vec(),
            raw_data: Some(raw_data),
            ..TensorProto::default()
        });
        name
    }

    /// Mean over `kernel` neighbors along the last axis, without overlap; a rest is left out.
    pub(crate) fn average_frames(&mut self, x: &Value, kernel: usize) -> Value {
        let kernel = vec![1, kernel as i64];
        self.node(
            "AveragePool",
            &[x],
            vec![
                integers("kernel_shape", kernel.clone()),
                integers("strides", kernel),
            ],
        )
    }

    /// Two-dimensional convolution with an odd kernel, zero padding that keeps the size where `stride` is 1, and a bias.
    pub(crate) fn convolution(
        &mut self,
        x: &Value,
        weight: (&[i64], &[f32]),
        bias: &[f32],
        stride: [usize; 2],
    ) -> Value {
        let (shape, weight) = weight;
        let (height, width) = (shape[2], shape[3]);
        let weight = self.floats(shape, weight);
        let bias = self.floats(&[shape[0]], bias);
        let padding = vec![height / 2, width / 2, height / 2, width / 2];
        self.node(
            "Conv",
            &[x, &weight, &bias],
            vec![
                integers("kernel_shape", vec![height, width]),
                integers("pads", padding),
                integers("strides", stride.map(|size| size as i64).to_vec()),
            ],
        )
    }

    /// Maximum over `size` neighbors, without overlap; a rest is left out.
    pub(crate) fn maximum_pool(&mut self, x: &Value, size: [usize; 2]) -> Value {
        let kernel = size.map(|size| size as i64).to_vec();
        self.node(
            "MaxPool",
            &[x],
            vec![
                integers("kernel_shape", kernel.clone()),
                integers("strides", kernel),
            ],
        )
    }

    /// `x` with another shape; 0 keeps a dimension, -1 takes what is left.
    pub(crate) fn reshape(&mut self, x: &Value, shape: &[i64]) -> Value {
        let shape = self.integers(shape);
        self.node("Reshape", &[x, &shape], vec![])
    }

    /// `ReduceMean` or `ReduceMax` over `axis`, whose length becomes 1 if it is kept.
    pub(crate) fn reduce(&mut self, operator: &str, x: &Value, axis: i64, keep: bool) -> Value {
        let axes = integers("axes", vec![axis]);
        let keep = integer("keepdims", i64::from(keep));
        self.node(operator, &[x], vec![axes, keep])
    }

    /// Sum over `axis`, whose length becomes 1.
    pub(crate) fn sum_kept(&mut self, x: &Value, axis: i64) -> Value {
        // from this version of the operators on, a sum takes its axes as an input
        let axes = self.integers(&[axis]);
        self.node("ReduceSum", &[x, &axes], vec![integer("keepdims", 1)])
    }

    /// A bidirectional long short-term memory over time: `[1, features, frames]` to `[1, 2 * units, frames]`, first the
    /// forward states, then the backward ones.
    pub(crate) fn bidirectional_lstm(&mut self, x: &Value, lstm: &Lstm, frames: i64) -> Value {
        let units = lstm.units as i64;
        let features = (lstm.input[0].len() / (4 * lstm.units)) as i64;
        let both = |weights: &[Vec<f32>; 2]| -> Vec<f32> {
            weights
                .iter()
                .flat_map(|one| lstm.in_onnx_order(one))
                .collect()
        };
        let input = self.floats(&[2, 4 * units, features], &both(&lstm.input));
        let recurrent = self.floats(&[2, 4 * units, units], &both(&lstm.recurrent));
        let biases: Vec<f32> = (0..2)
            .flat_map(|direction| {
                let [input, recurrent] = [&lstm.input_bias, &lstm.recurrent_bias]
                    .map(|bias| lstm.in_onnx_order(&bias[direction]));
                [input, recurrent].concat()
            })
            .collect();
        let biases = self.floats(&[2, 8 * units], &biases);
        // [batch, features, frames] to [frames, batch, features]
        let in_time = self.transpose(x, &[2, 0, 1]);
        let states = self.node(
            "LSTM",
            &[&in_time, &input, &recurrent, &biases],
            vec![
                text("direction", "bidirectional"),
                integer("hidden_size", units),
            ],
        );
        // [frames, directions, batch, units] to [batch, directions, units, frames]
        let states = self.transpose(&states, &[2, 1, 3, 0]);
        self.reshape(&states, &[0, 2 * units, frames])
    }

    fn transpose(&mut self, x: &Value, order: &[i64]) -> Value {
        self.node("Transpose", &[x], vec![integers("perm", order.to_vec())])
    }

    /// `x * weight^T + bias`: `weight` is `[outputs, inputs]`, row-major.
    pub(crate) fn dense(&mut self, x: &Value, weight: (&[i64], &[f32]), bias: &[f32]) -> Value {
        let (shape, weight) = weight;
        let weight = self.floats(shape, weight);
        let bias = self.floats(&[shape[0]], bias);
        self.node("Gemm", &[x, &weight, &bias], vec![integer("transB", 1)])
    }

    /// Softmax over `axis`.
    pub(crate) fn softmax(&mut self, x: &Value, axis: i64) -> Value {
        self.node("Softmax", &[x], vec![integer("axis", axis)])
    }

    /// The values one after the other along `axis`.
    pub(crate) fn concat(&mut self, values: &[&Value], axis: i64) -> Value {
        self.node("Concat", values, vec![integer("axis", axis)])
    }

    /// An operator without settings, such as `Relu` or `Add`.
    pub(crate) fn apply(&mut self, operator: &str, inputs: &[&Value]) -> Value {
        self.node(operator, inputs, vec![])
    }

    /// Gives the output of the node that made `x` the name `name`.
    pub(crate) fn rename(&mut self, x: &Value, name: &str) {
        for node in &mut self.graph.node {
            for value in node
                .input
                .iter_mut()
                .chain(node.output.iter_mut())
                .filter(|value| *value == x)
            {
                name.clone_into(value);
            }
        }
    }

    /// The ONNX file's bytes, with `metadata` under `key`.
    pub(crate) fn finish(self, key: &str, metadata: &str) -> Vec<u8> {
        ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto {
                domain: Some(String::new()),
                version: OPSET,
            }],
            producer_name: env!("CARGO_PKG_NAME").to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph),
            metadata_props: vec![StringStringEntryProto {
                key: key.to_owned(),
                value: metadata.to_owned(),
            }],
        }
        .encode_to_vec()
    }

    fn node(&mut self, operator: &str, inputs: &[&Value], attribute: Vec<AttributeProto>) -> Value {
        let name = format!("{}_{}", operator.to_lowercase(), self.graph.node.len());
        self.graph.node.push(NodeProto {
            name: name.clone(),
            op_type: operator.to_owned(),
            input: inputs.iter().map(|input| (*input).clone()).collect(),
            output: vec![name.clone()],
            attribute,
            ..NodeProto::default()
        });
        name
    }
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: INT,
        i: Some(value),
        ..AttributeProto::default()
    }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: STRING,
        s: Some(value.as_bytes().to_vec()),
        ..AttributeProto::default()
    }
}

fn integers(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: INTS,
        ints: values,
        ..AttributeProto::default()
    }
}

fn tensor_of(name: &str, shape: &[usize]) -> ValueInfoProto {
    let batch = DimensionProto {
        dim_value: None,
        dim_param: Some("batch".to_owned()),
    };
    let rest = shape.iter().map(|&size| DimensionProto {
        dim_value: Some(size as i64),
        dim_param: None,
    });
    let tensor = TensorTypeProto {
        elem_type: FLOAT,
        shape: Some(TensorShapeProto {
            dim: std::iter::once(batch).chain(rest).collect(),
        }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
    }
}
