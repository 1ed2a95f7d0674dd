"""Neural networks: softmax, cross-entropy and dense layers, each one operation of the tape."""
