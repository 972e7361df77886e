// Written by scripts/compile.mjs; do not edit.
export const bridgeAbi = [
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "chainId",
            "type": "uint64"
          },
          {
            "internalType": "uint256",
            "name": "supplyWei",
            "type": "uint256"
          },
          {
            "internalType": "uint64",
            "name": "minDepositSats",
            "type": "uint64"
          },
          {
            "internalType": "uint32",
            "name": "depositConfirmations",
            "type": "uint32"
          },
          {
            "internalType": "uint16",
            "name": "reclaimCsv",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "reclaimMinLeft",
            "type": "uint16"
          },
          {
            "internalType": "uint64",
            "name": "depositFeeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "sweepFeeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint16",
            "name": "sweepAfterBlocks",
            "type": "uint16"
          },
          {
            "internalType": "uint64",
            "name": "minWithdrawalSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "minMaxFeeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint32",
            "name": "batchWaitSeconds",
            "type": "uint32"
          },
          {
            "internalType": "uint16",
            "name": "batchMinRequests",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "maxBatchRequests",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "maxBatchInputs",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "maxBatchesInFlight",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "maxQueueScan",
            "type": "uint16"
          },
          {
            "internalType": "uint64",
            "name": "changeReserveSats",
            "type": "uint64"
          },
          {
            "internalType": "uint32",
            "name": "failConfirmations",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "anchorSpentConfirmations",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "oldCommitteeBlocks",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "payoutGas",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "payoutMinGasLeft",
            "type": "uint32"
          },
          {
            "internalType": "uint32[]",
            "name": "rungs",
            "type": "uint32[]"
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
                "internalType": "bytes32",
                "name": "outputKey",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "outputKeyY",
                "type": "bytes32"
              },
              {
                "internalType": "uint16",
                "name": "n",
                "type": "uint16"
              },
              {
                "internalType": "uint16",
                "name": "t",
                "type": "uint16"
              },
              {
                "internalType": "uint32",
                "name": "inputWeight",
                "type": "uint32"
              }
            ],
            "internalType": "struct CommitteeParams",
            "name": "committee",
            "type": "tuple"
          }
        ],
        "internalType": "struct BridgeParams",
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
    "name": "AlreadyCredited",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "AlreadyVoted",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "amountSats",
        "type": "uint256"
      },
      {
        "internalType": "uint64",
        "name": "minSats",
        "type": "uint64"
      }
    ],
    "name": "AmountTooSmall",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadOpReturnDeposit",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadParams",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadSignature",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "valueWei",
        "type": "uint256"
      }
    ],
    "name": "BadValue",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BridgePaused",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "enum FormBatchStatus",
        "name": "status",
        "type": "uint8"
      }
    ],
    "name": "CannotFormBatch",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "coinId",
        "type": "uint64"
      }
    ],
    "name": "ChangeInUse",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "committeeId",
        "type": "uint32"
      }
    ],
    "name": "CommitteeExpired",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "CommitteeScript",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "valueSats",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "minSats",
        "type": "uint64"
      }
    ],
    "name": "DepositTooSmall",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "maxFeeSats",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "minSats",
        "type": "uint64"
      }
    ],
    "name": "MaxFeeTooLow",
    "type": "error"
  },
  {
    "inputs": [
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
    "name": "NoSuchCoin",
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
    "inputs": [],
    "name": "NonStandardScript",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotEnoughGas",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotPaused",
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
    "name": "NotYetSupported",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "name": "NotYourWithdrawal",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingToClaim",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "owedSats",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "custodySats",
        "type": "uint256"
      }
    ],
    "name": "PegBroken",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "blocksLeft",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "required",
        "type": "uint256"
      }
    ],
    "name": "ReclaimTooNear",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "TransferFailed",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "Unauthorised",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint32",
        "name": "committeeId",
        "type": "uint32"
      }
    ],
    "name": "UnknownCommittee",
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
    "inputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "internalType": "enum BatchStatus",
        "name": "status",
        "type": "uint8"
      }
    ],
    "name": "WrongBatchStatus",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "coinId",
        "type": "uint64"
      },
      {
        "internalType": "enum CoinStatus",
        "name": "status",
        "type": "uint8"
      }
    ],
    "name": "WrongCoinStatus",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "WrongOutputKey",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "actual",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "expected",
        "type": "uint64"
      }
    ],
    "name": "WrongPauseId",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "internalType": "enum WithdrawalStatus",
        "name": "status",
        "type": "uint8"
      }
    ],
    "name": "WrongWithdrawalStatus",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroAccount",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64[]",
        "name": "requestIds",
        "type": "uint64[]"
      },
      {
        "indexed": false,
        "internalType": "uint64[]",
        "name": "coinIds",
        "type": "uint64[]"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "budgetSats",
        "type": "uint64"
      }
    ],
    "name": "BatchFormed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "bitcoinBlock",
        "type": "bytes32"
      }
    ],
    "name": "BatchReproven",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "bitcoinBlock",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "feeSats",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "changeSats",
        "type": "uint64"
      }
    ],
    "name": "BatchSettled",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amountWei",
        "type": "uint256"
      }
    ],
    "name": "ClaimableAdded",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amountWei",
        "type": "uint256"
      }
    ],
    "name": "Claimed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "coinId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "sats",
        "type": "uint64"
      }
    ],
    "name": "CustodySpent",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint32",
        "name": "vout",
        "type": "uint32"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "bitcoinBlock",
        "type": "bytes32"
      }
    ],
    "name": "DepositReproven",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint32",
        "name": "vout",
        "type": "uint32"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "valueSats",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "creditedSats",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "coinId",
        "type": "uint64"
      }
    ],
    "name": "Deposited",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "votes",
        "type": "uint256"
      }
    ],
    "name": "HaltVoted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "maxFeeSats",
        "type": "uint64"
      }
    ],
    "name": "MaxFeeRaised",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint8",
        "name": "reason",
        "type": "uint8"
      }
    ],
    "name": "Paused",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "votes",
        "type": "uint256"
      }
    ],
    "name": "ResumeVoted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      }
    ],
    "name": "Resumed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "shortfallSats",
        "type": "uint64"
      }
    ],
    "name": "ShortfallRecorded",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      }
    ],
    "name": "WithdrawalCancelled",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "amountSats",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "maxFeeSats",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "scriptPubKey",
        "type": "bytes"
      }
    ],
    "name": "WithdrawalRequested",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "txid",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint32",
        "name": "vout",
        "type": "uint32"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "amountSats",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "feeSats",
        "type": "uint64"
      }
    ],
    "name": "WithdrawalSettled",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "batchesInFlight",
    "outputs": [
      {
        "internalType": "uint64[]",
        "name": "",
        "type": "uint64[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "canFormBatch",
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
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "name": "cancel",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      }
    ],
    "name": "claim",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      }
    ],
    "name": "claimableWei",
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
    "inputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "name": "coinById",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "id",
            "type": "uint64"
          },
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
            "internalType": "enum CoinKind",
            "name": "kind",
            "type": "uint8"
          },
          {
            "internalType": "enum CoinStatus",
            "name": "status",
            "type": "uint8"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "bytes32",
            "name": "bitcoinBlock",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "csvHeight",
            "type": "uint32"
          },
          {
            "internalType": "bytes32",
            "name": "u",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "holdUntil",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "batchId",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "createdAtBlock",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "account",
            "type": "address"
          },
          {
            "internalType": "uint64",
            "name": "creditedSats",
            "type": "uint64"
          }
        ],
        "internalType": "struct Coin",
        "name": "coin",
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
        "name": "id",
        "type": "uint32"
      }
    ],
    "name": "committee",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint32",
            "name": "id",
            "type": "uint32"
          },
          {
            "internalType": "enum CommitteeStatus",
            "name": "status",
            "type": "uint8"
          },
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
            "internalType": "bytes32",
            "name": "outputKey",
            "type": "bytes32"
          },
          {
            "internalType": "uint16",
            "name": "n",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "t",
            "type": "uint16"
          },
          {
            "internalType": "uint32",
            "name": "inputWeight",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "expiresAtHeight",
            "type": "uint32"
          }
        ],
        "internalType": "struct Committee",
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
            "internalType": "bytes32",
            "name": "outputKey",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "outputKeyY",
            "type": "bytes32"
          },
          {
            "internalType": "uint16",
            "name": "n",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "t",
            "type": "uint16"
          },
          {
            "internalType": "uint32",
            "name": "inputWeight",
            "type": "uint32"
          }
        ],
        "internalType": "struct CommitteeParams",
        "name": "",
        "type": "tuple"
      }
    ],
    "name": "confirmCommittee",
    "outputs": [],
    "stateMutability": "pure",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "currentCommitteeId",
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
        "components": [
          {
            "internalType": "uint32",
            "name": "vout",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "committeeId",
            "type": "uint32"
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
            "internalType": "bytes32",
            "name": "qy",
            "type": "bytes32"
          }
        ],
        "internalType": "struct DepositClaim",
        "name": "claim_",
        "type": "tuple"
      }
    ],
    "name": "deposit",
    "outputs": [],
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
        "internalType": "uint32",
        "name": "committeeId",
        "type": "uint32"
      }
    ],
    "name": "depositByOpReturn",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "offset",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "limit",
        "type": "uint256"
      }
    ],
    "name": "depositsOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "id",
            "type": "uint64"
          },
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
            "internalType": "enum CoinKind",
            "name": "kind",
            "type": "uint8"
          },
          {
            "internalType": "enum CoinStatus",
            "name": "status",
            "type": "uint8"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "bytes32",
            "name": "bitcoinBlock",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "csvHeight",
            "type": "uint32"
          },
          {
            "internalType": "bytes32",
            "name": "u",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "holdUntil",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "batchId",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "createdAtBlock",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "account",
            "type": "address"
          },
          {
            "internalType": "uint64",
            "name": "creditedSats",
            "type": "uint64"
          }
        ],
        "internalType": "struct Coin[]",
        "name": "coins",
        "type": "tuple[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      },
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
        "name": "",
        "type": "tuple"
      }
    ],
    "name": "failBatch",
    "outputs": [],
    "stateMutability": "pure",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "formBatch",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "formBatchStatus",
    "outputs": [
      {
        "internalType": "enum FormBatchStatus",
        "name": "",
        "type": "uint8"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "name": "getBatch",
    "outputs": [
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
        "name": "b",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
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
    "name": "getCoin",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "id",
            "type": "uint64"
          },
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
            "internalType": "enum CoinKind",
            "name": "kind",
            "type": "uint8"
          },
          {
            "internalType": "enum CoinStatus",
            "name": "status",
            "type": "uint8"
          },
          {
            "internalType": "uint32",
            "name": "height",
            "type": "uint32"
          },
          {
            "internalType": "bytes32",
            "name": "bitcoinBlock",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "csvHeight",
            "type": "uint32"
          },
          {
            "internalType": "bytes32",
            "name": "u",
            "type": "bytes32"
          },
          {
            "internalType": "uint32",
            "name": "holdUntil",
            "type": "uint32"
          },
          {
            "internalType": "uint64",
            "name": "batchId",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "createdAtBlock",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "account",
            "type": "address"
          },
          {
            "internalType": "uint64",
            "name": "creditedSats",
            "type": "uint64"
          }
        ],
        "internalType": "struct Coin",
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
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "name": "getWithdrawal",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "id",
            "type": "uint64"
          },
          {
            "internalType": "enum WithdrawalStatus",
            "name": "status",
            "type": "uint8"
          },
          {
            "internalType": "enum WithdrawalReason",
            "name": "reason",
            "type": "uint8"
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
            "internalType": "uint64",
            "name": "feeSats",
            "type": "uint64"
          },
          {
            "internalType": "bytes",
            "name": "script",
            "type": "bytes"
          },
          {
            "internalType": "uint64",
            "name": "requestedAtBlock",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "requestedAtTime",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "batchId",
            "type": "uint64"
          },
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
        "internalType": "struct Withdrawal",
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
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      },
      {
        "internalType": "uint8",
        "name": "v",
        "type": "uint8"
      },
      {
        "internalType": "bytes32",
        "name": "r",
        "type": "bytes32"
      },
      {
        "internalType": "bytes32",
        "name": "s",
        "type": "bytes32"
      }
    ],
    "name": "halt",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      }
    ],
    "name": "haltDigest",
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
    "inputs": [
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
    "name": "isCredited",
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
    "inputs": [],
    "name": "nextBatchId",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "blockHash",
        "type": "bytes32"
      }
    ],
    "name": "onDisconnected",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "blockHash",
        "type": "bytes32"
      }
    ],
    "name": "onReconnected",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "queue",
    "outputs": [
      {
        "internalType": "uint32",
        "name": "length",
        "type": "uint32"
      },
      {
        "internalType": "uint64",
        "name": "first",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "last",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "quoteWithdrawal",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "minAmountSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "minMaxFeeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "vsize",
            "type": "uint64"
          },
          {
            "internalType": "uint64[]",
            "name": "rungFeesSats",
            "type": "uint64[]"
          },
          {
            "internalType": "uint32",
            "name": "queued",
            "type": "uint32"
          },
          {
            "internalType": "bool",
            "name": "paused",
            "type": "bool"
          }
        ],
        "internalType": "struct WithdrawalQuote",
        "name": "quote",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "name": "raiseMaxFee",
    "outputs": [],
    "stateMutability": "payable",
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
        "internalType": "uint32",
        "name": "inputIndex",
        "type": "uint32"
      }
    ],
    "name": "reportSpend",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes",
        "name": "scriptPubKey",
        "type": "bytes"
      },
      {
        "internalType": "uint64",
        "name": "maxFeeSats",
        "type": "uint64"
      }
    ],
    "name": "requestWithdrawal",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      }
    ],
    "stateMutability": "payable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "reserves",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "custodySats",
            "type": "uint64"
          },
          {
            "internalType": "uint256",
            "name": "circulatingWei",
            "type": "uint256"
          },
          {
            "internalType": "uint64",
            "name": "pendingSats",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "maxFeeSats",
            "type": "uint64"
          },
          {
            "internalType": "uint256",
            "name": "claimableWei",
            "type": "uint256"
          },
          {
            "internalType": "uint64",
            "name": "shortfallSats",
            "type": "uint64"
          },
          {
            "internalType": "bool",
            "name": "paused",
            "type": "bool"
          },
          {
            "internalType": "uint8",
            "name": "pauseReasons",
            "type": "uint8"
          },
          {
            "internalType": "uint64",
            "name": "pauseId",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "affectedUses",
            "type": "uint64"
          }
        ],
        "internalType": "struct Reserves",
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
        "internalType": "uint64",
        "name": "id",
        "type": "uint64"
      },
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
      }
    ],
    "name": "settleBatch",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "pauseId",
        "type": "uint64"
      }
    ],
    "name": "voteResume",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "inputs",
        "type": "uint256"
      },
      {
        "internalType": "uint256[]",
        "name": "payoutScriptLengths",
        "type": "uint256[]"
      }
    ],
    "name": "vsizeOf",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "offset",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "limit",
        "type": "uint256"
      }
    ],
    "name": "withdrawalsOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "id",
            "type": "uint64"
          },
          {
            "internalType": "enum WithdrawalStatus",
            "name": "status",
            "type": "uint8"
          },
          {
            "internalType": "enum WithdrawalReason",
            "name": "reason",
            "type": "uint8"
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
            "internalType": "uint64",
            "name": "feeSats",
            "type": "uint64"
          },
          {
            "internalType": "bytes",
            "name": "script",
            "type": "bytes"
          },
          {
            "internalType": "uint64",
            "name": "requestedAtBlock",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "requestedAtTime",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "batchId",
            "type": "uint64"
          },
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
        "internalType": "struct Withdrawal[]",
        "name": "withdrawals",
        "type": "tuple[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "stateMutability": "payable",
    "type": "receive"
  }
] as const
