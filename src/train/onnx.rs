//! A small builder of ONNX graphs on tract's protobuf types: just the operators that the networks here use.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

/// Version of the ONNX operators that the graphs use.
const OPSET: i64 = 13;
/// Version of the ONNX file format: the one that came with [`OPSET`].
const IR_VERSION: i64 = 7;

/// The name of a value in the graph.
pub type Value = String;

/// A graph under construction. Every method adds one node and returns the name of its output.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    graph: GraphProto,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Self {
            graph: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
        }
    }

    /// Declares the input: float32 `[batch, shape...]`.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> Value {
        self.graph.input.push(tensor_of(name, shape));
        name.to_owned()
    }

    /// Declares an output: float32 `[batch, shape...]`, the value of that name.
    pub fn output(&mut self, name: &str, shape: &[usize]) {
        self.graph.output.push(tensor_of(name, shape));
    }

    /// A constant of 32-bit floats.
    pub fn floats(&mut self, shape: &[i64], values: &[f32]) -> Value {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(DataType::Float, shape, raw_data)
    }

    fn integers(&mut self, values: &[i64]) -> Value {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(DataType::Int64, &[values.len() as i64], raw_data)
    }

    fn constant(&mut self, data_type: DataType, shape: &[i64], raw_data: Vec<u8>) -> Value {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            data_type: data_type as i32,
            dims: shape.to_vec(),
            raw_data,
            ..TensorProto::default()
        });
        name
    }

    /// Mean over `kernel` neighbours along the last axis, without overlap; a rest is left out.
    pub fn average_frames(&mut self, x: &Value, kernel: usize) -> Value {
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

    /// Two-dimensional convolution with odd `kernel`, zero padding that keeps the size, and a bias.
    pub fn convolution(&mut self, x: &Value, weight: (&[i64], &[f32]), bias: &[f32]) -> Value {
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
            ],
        )
    }

    /// Maximum over `height` x `width` neighbours, without overlap; a rest is left out.
    pub fn maximum_pool(&mut self, x: &Value, height: usize, width: usize) -> Value {
        let kernel = vec![height as i64, width as i64];
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
    pub fn reshape(&mut self, x: &Value, shape: &[i64]) -> Value {
        let shape = self.integers(shape);
        self.node("Reshape", &[x, &shape], vec![])
    }

    /// Mean over `axis`, which goes.
    pub fn mean(&mut self, x: &Value, axis: i64) -> Value {
        self.node(
            "ReduceMean",
            &[x],
            vec![integers("axes", vec![axis]), integer("keepdims", 0)],
        )
    }

    /// `x * weight^T + bias`: `weight` is `[outputs, inputs]`, row-major.
    pub fn dense(&mut self, x: &Value, weight: (&[i64], &[f32]), bias: &[f32]) -> Value {
        let (shape, weight) = weight;
        let weight = self.floats(shape, weight);
        let bias = self.floats(&[shape[0]], bias);
        self.node("Gemm", &[x, &weight, &bias], vec![integer("transB", 1)])
    }

    /// Softmax over `axis`.
    pub fn softmax(&mut self, x: &Value, axis: i64) -> Value {
        self.node("Softmax", &[x], vec![integer("axis", axis)])
    }

    /// The values one after the other along `axis`.
    pub fn concat(&mut self, values: &[&Value], axis: i64) -> Value {
        self.node("Concat", values, vec![integer("axis", axis)])
    }

    /// `max(x, 0)`.
    pub fn relu(&mut self, x: &Value) -> Value {
        self.node("Relu", &[x], vec![])
    }

    /// Square root.
    pub fn sqrt(&mut self, x: &Value) -> Value {
        self.node("Sqrt", &[x], vec![])
    }

    /// `x + y`.
    pub fn add(&mut self, x: &Value, y: &Value) -> Value {
        self.node("Add", &[x, y], vec![])
    }

    /// `x - y`.
    pub fn subtract(&mut self, x: &Value, y: &Value) -> Value {
        self.node("Sub", &[x, y], vec![])
    }

    /// `x * y`.
    pub fn multiply(&mut self, x: &Value, y: &Value) -> Value {
        self.node("Mul", &[x, y], vec![])
    }

    /// Gives the output of the node that made `x` the name `name`.
    pub fn rename(&mut self, x: &Value, name: &str) {
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
    pub fn finish(self, key: &str, metadata: &str) -> Vec<u8> {
        ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            producer_name: env!("CARGO_PKG_NAME").to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph),
            metadata_props: vec![StringStringEntryProto {
                key: key.to_owned(),
                value: metadata.to_owned(),
            }],
            ..ModelProto::default()
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
        r#type: AttributeType::Int as i32,
        i: value,
        ..AttributeProto::default()
    }
}

fn integers(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: values,
        ..AttributeProto::default()
    }
}

fn tensor_of(name: &str, shape: &[usize]) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dimension = |value| Dimension {
        value: Some(value),
        ..Dimension::default()
    };
    let batch = dimension(Value::DimParam("batch".to_owned()));
    let rest = shape
        .iter()
        .map(|&size| dimension(Value::DimValue(size as i64)));
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: DataType::Float as i32,
                shape: Some(TensorShapeProto {
                    dim: std::iter::once(batch).chain(rest).collect(),
                }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
