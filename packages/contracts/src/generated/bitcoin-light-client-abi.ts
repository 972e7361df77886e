// Written by scripts/compile.mjs; do not edit.
export const bitcoinLightClientAbi = [
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "enum BitcoinNetwork",
            "name": "network",
            "type": "uint8"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "bytes",
            "name": "header",
            "type": "bytes"
          },
          {
            "internalType": "uint128",
            "name": "chainWork",
            "type": "uint128"
          },
          {
            "internalType": "uint32",
            "name": "periodStartTime",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "periodBits",
            "type": "uint32"
          },
          {
            "internalType": "uint32[]",
            "name": "previousTimes",
            "type": "uint32[]"
          },
          {
            "internalType": "uint32",
            "name": "maxFutureSeconds",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "maxHeadersPerCall",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "maxReorgSteps",
            "type": "uint32"
          }
        ],
        "internalType": "struct LightClientParams",
        "name": "p",
        "type": "tuple"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "actual",
        "type": "uint32"
      },
      {
        "internalType": "uint32",
        "name": "expected",
        "type": "uint32"
      }
    ],
    "name": "BadBits",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadCheckpoint",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "length",
        "type": "uint256"
      }
    ],
    "name": "BadHeaderLength",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "length",
        "type": "uint256"
      }
    ],
    "name": "BadHeadersLength",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadMerkleBranch",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadOpReturnDeposit",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadProof",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadTransaction",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "int32",
        "name": "version",
        "type": "int32"
      }
    ],
    "name": "BadVersion",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      }
    ],
    "name": "InsufficientWork",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "bits",
        "type": "uint32"
      }
    ],
    "name": "InvalidTarget",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "vout",
        "type": "uint32"
      }
    ],
    "name": "NoSuchOutput",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "actual",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "required",
        "type": "uint256"
      }
    ],
    "name": "NotEnoughConfirmations",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotTaproot",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "field",
        "type": "bytes32"
      }
    ],
    "name": "NotTheBatch",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingNew",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ReorganisationUnderWay",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "time",
        "type": "uint32"
      }
    ],
    "name": "TimeTooEarly",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "time",
        "type": "uint32"
      },
      {
        "internalType": "uint256",
        "name": "limit",
        "type": "uint256"
      }
    ],
    "name": "TimeTooFarAhead",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "time",
        "type": "uint32"
      },
      {
        "internalType": "uint32",
        "name": "parentTime",
        "type": "uint32"
      }
    ],
    "name": "TimeWarp",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "parent",
        "type": "bytes32"
      }
    ],
    "name": "UnknownParent",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint8",
        "name": "kind",
        "type": "uint8"
      }
    ],
    "name": "UnsupportedDepositKind",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "WrongOutputKey",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "uint32",
        "name": "height",
        "type": "uint32"
      }
    ],
    "name": "HeaderAdded",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "oldBest",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "newBest",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint32",
        "name": "forkHeight",
        "type": "uint32"
      }
    ],
    "name": "Reorganised",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "checkpoint",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      },
      {
        "internalType": "uint32",
        "name": "height",
        "type": "uint32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      }
    ],
    "name": "confirmations",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "getBestBlock",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      },
      {
        "internalType": "uint32",
        "name": "height",
        "type": "uint32"
      },
      {
        "internalType": "uint128",
        "name": "work",
        "type": "uint128"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      }
    ],
    "name": "getHeader",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint32",
            "name": "time",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "periodBits",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "periodStartTime",
            "type": "uint32"
          },
          {
            "internalType": "uint128",
            "name": "work",
            "type": "uint128"
          },
          {
            "internalType": "bool",
            "name": "onBestChain",
            "type": "bool"
          }
        ],
        "internalType": "struct HeaderInfo",
        "name": "",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "height",
        "type": "uint32"
      }
    ],
    "name": "hashAt",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "maxHeadersPerCall",
    "outputs": [
      {
        "internalType": "uint32",
        "name": "",
        "type": "uint32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "network",
    "outputs": [
      {
        "internalType": "enum BitcoinNetwork",
        "name": "",
        "type": "uint8"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "reorganising",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes",
        "name": "headers",
        "type": "bytes"
      }
    ],
    "name": "submitHeaders",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "added",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "header",
            "type": "bytes"
          },
          {
            "internalType": "uint32",
            "name": "index",
            "type": "uint32"
          },
          {
            "internalType": "bytes",
            "name": "coinbase",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "coinbaseBranch",
            "type": "bytes32[]"
          },
          {
            "internalType": "bytes",
            "name": "transaction",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "branch",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct InclusionProof",
        "name": "proof",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "minConfirmations",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "id",
            "type": "uint64"
          },
          {
            "internalType": "enum BatchStatus",
            "name": "status",
            "type": "uint8"
          },
          {
            "internalType": "uint64",
            "name": "formedAtBlock",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "formedAtTime",
            "type": "uint64"
          },
          {
            "internalType": "uint32",
            "name": "committeeId",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "budgetSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "vsize",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "inputSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "payoutSats",
            "type": "uint64"
          },
          {
            "internalType": "uint8",
            "name": "payableRungs",
            "type": "uint8"
          },
          {
            "components": [
              {
                "internalType": "bytes32",
                "name": "txid",
                "type": "bytes32"
              },
              {
                "internalType": "uint32",
                "name": "vout",
                "type": "uint32"
              },
              {
                "internalType": "uint64",
                "name": "sats",
                "type": "uint64"
              },
              {
                "internalType": "uint32",
                "name": "committeeId",
                "type": "uint32"
              },
              {
                "internalType": "bytes32",
                "name": "u",
                "type": "bytes32"
              },
              {
                "internalType": "uint32",
                "name": "csvHeight",
                "type": "uint32"
              }
            ],
            "internalType": "struct BatchInput[]",
            "name": "inputs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "uint64",
                "name": "id",
                "type": "uint64"
              },
              {
                "internalType": "address",
                "name": "account",
                "type": "address"
              },
              {
                "internalType": "uint64",
                "name": "amountSats",
                "type": "uint64"
              },
              {
                "internalType": "uint64",
                "name": "maxFeeSats",
                "type": "uint64"
              },
              {
                "internalType": "bytes",
                "name": "script",
                "type": "bytes"
              }
            ],
            "internalType": "struct BatchRequest[]",
            "name": "requests",
            "type": "tuple[]"
          },
          {
            "internalType": "bytes32",
            "name": "txid",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "bitcoinBlock",
            "type": "bytes32"
          },
          {
            "internalType": "uint64",
            "name": "feeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "settledAtBlock",
            "type": "uint64"
          }
        ],
        "internalType": "struct Batch",
        "name": "batch",
        "type": "tuple"
      },
      {
        "internalType": "bytes32",
        "name": "outputKey",
        "type": "bytes32"
      }
    ],
    "name": "verifyBatch",
    "outputs": [
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "txid",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "blockHash",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "changeVout",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "changeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "feeSats",
            "type": "uint64"
          }
        ],
        "internalType": "struct ProvenBatch",
        "name": "version",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "header",
            "type": "bytes"
          },
          {
            "internalType": "uint32",
            "name": "index",
            "type": "uint32"
          },
          {
            "internalType": "bytes",
            "name": "coinbase",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "coinbaseBranch",
            "type": "bytes32[]"
          },
          {
            "internalType": "bytes",
            "name": "transaction",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "branch",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct InclusionProof",
        "name": "proof",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "minConfirmations",
        "type": "uint256"
      },
      {
        "internalType": "uint32",
        "name": "vout",
        "type": "uint32"
      },
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "internalKey",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "treeRoot",
            "type": "bytes32"
          },
          {
            "internalType": "uint64",
            "name": "chainId",
            "type": "uint64"
          },
          {
            "internalType": "uint8",
            "name": "kind",
            "type": "uint8"
          },
          {
            "internalType": "address",
            "name": "account",
            "type": "address"
          },
          {
            "internalType": "bytes32",
            "name": "refundKey",
            "type": "bytes32"
          },
          {
            "internalType": "uint16",
            "name": "csv",
            "type": "uint16"
          },
          {
            "internalType": "bytes32",
            "name": "qy",
            "type": "bytes32"
          }
        ],
        "internalType": "struct DepositAddress",
        "name": "a",
        "type": "tuple"
      }
    ],
    "name": "verifyDeposit",
    "outputs": [
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "txid",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "blockHash",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "vout",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "sats",
            "type": "uint64"
          },
          {
            "internalType": "bytes32",
            "name": "outputKey",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "u",
            "type": "bytes32"
          },
          {
            "internalType": "address",
            "name": "account",
            "type": "address"
          }
        ],
        "internalType": "struct ProvenOutput",
        "name": "paid",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "header",
            "type": "bytes"
          },
          {
            "internalType": "uint32",
            "name": "index",
            "type": "uint32"
          },
          {
            "internalType": "bytes",
            "name": "coinbase",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "coinbaseBranch",
            "type": "bytes32[]"
          },
          {
            "internalType": "bytes",
            "name": "transaction",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "branch",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct InclusionProof",
        "name": "proof",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "minConfirmations",
        "type": "uint256"
      },
      {
        "internalType": "bytes32",
        "name": "outputKey",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "chainId",
        "type": "uint64"
      }
    ],
    "name": "verifyOpReturnDeposit",
    "outputs": [
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "txid",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "blockHash",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "vout",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "sats",
            "type": "uint64"
          },
          {
            "internalType": "bytes32",
            "name": "outputKey",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "u",
            "type": "bytes32"
          },
          {
            "internalType": "address",
            "name": "account",
            "type": "address"
          }
        ],
        "internalType": "struct ProvenOutput",
        "name": "paid",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "header",
            "type": "bytes"
          },
          {
            "internalType": "uint32",
            "name": "index",
            "type": "uint32"
          },
          {
            "internalType": "bytes",
            "name": "coinbase",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "coinbaseBranch",
            "type": "bytes32[]"
          },
          {
            "internalType": "bytes",
            "name": "transaction",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "branch",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct InclusionProof",
        "name": "proof",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "minConfirmations",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "index",
        "type": "uint256"
      }
    ],
    "name": "verifySpend",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "internalType": "uint32",
        "name": "vout",
        "type": "uint32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "header",
            "type": "bytes"
          },
          {
            "internalType": "uint32",
            "name": "index",
            "type": "uint32"
          },
          {
            "internalType": "bytes",
            "name": "coinbase",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "coinbaseBranch",
            "type": "bytes32[]"
          },
          {
            "internalType": "bytes",
            "name": "transaction",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "branch",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct InclusionProof",
        "name": "proof",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "minConfirmations",
        "type": "uint256"
      }
    ],
    "name": "verifyTransaction",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "internalType": "bytes32",
        "name": "blockHash",
        "type": "bytes32"
      },
      {
        "internalType": "uint32",
        "name": "height",
        "type": "uint32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  }
] as const
