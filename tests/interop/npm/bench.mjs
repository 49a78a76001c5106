// How long peers from npm take for one request: a JSON object on standard input, on standard output the processor
// seconds per call of each round. Every document that is looked up stands in the request, nothing is fetched.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite as ecdsaRdfc2019} from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import jsigs from 'jsonld-signatures';
import jsonld from 'jsonld';
import rdfCanonize from 'rdf-canonize';

function loaderOf(documents) {
  return async url => {
    if(!(url in documents)) {
      throw new Error(`not in the request: ${url}`);
    }
    return {contextUrl: null, documentUrl: url, document: documents[url]};
  };
}

const ACTIONS = {
  // Canonical N-Quads of each document.
  canonize: ({inputs, documents}) => async () => {
    for(const input of inputs) {
      await jsonld.canonize(input, {
        algorithm: 'RDFC-1.0', format: 'application/n-quads', safe: true, documentLoader: loaderOf(documents)
      });
    }
  },
  // The same from N-Quads.
  rdfc: ({inputs}) => async () => {
    for(const input of inputs) {
      await rdfCanonize.canonize(input, {algorithm: 'RDFC-1.0', inputFormat: 'application/n-quads'});
    }
  },
  verify: ({document, documents}) => async () => {
    const {verified, error} = await jsigs.verify(document, {
      suite: new DataIntegrityProof({cryptosuite: ecdsaRdfc2019}),
      purpose: new jsigs.purposes.AssertionProofPurpose(),
      documentLoader: loaderOf(documents)
    });
    if(!verified) {
      throw error;
    }
  },
  sign: ({document, documents, key}) => async () => {
    const signer = (await EcdsaMultikey.from(key)).signer();
    await jsigs.sign(structuredClone(document), {
      suite: new DataIntegrityProof({signer, cryptosuite: ecdsaRdfc2019}),
      purpose: new jsigs.purposes.AssertionProofPurpose(),
      documentLoader: loaderOf(documents)
    });
  }
};

let text = '';
for await (const chunk of process.stdin) {
  text += chunk;
}
const {action, rounds, calls, ...request} = JSON.parse(text);
const run = ACTIONS[action](request);
const warm = performance.now() + 1000; // Let the compiler of the runtime do its work first.
while(performance.now() < warm) {
  await run();
}
const seconds = [];
for(let round = 0; round < rounds; round++) {
  const begun = process.cpuUsage();
  for(let call = 0; call < calls; call++) {
    await run();
  }
  const {user, system} = process.cpuUsage(begun);
  seconds.push((user + system) / 1e6 / calls);
}
process.stdout.write(JSON.stringify(seconds));
