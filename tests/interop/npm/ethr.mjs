// What the authors' own did:ethr packages make of one request: a JSON object on standard input, the answer on standard
// output. The node and the registry stand in the request.
import {JsonRpcProvider, Network, SigningKey, Wallet} from 'ethers';
import {EthrDID} from 'ethr-did';
import {Resolver} from 'did-resolver';
import {getResolver} from 'ethr-did-resolver';

const NAME = 'dev';

function providerOf({url, chainId}) {
  const network = Network.from(chainId);
  return new JsonRpcProvider(url, network, {staticNetwork: network, cacheTimeout: -1, pollingInterval: 20});
}

async function resolve({dids, registry, ...node}) {
  const provider = providerOf(node);
  const resolver = new Resolver(getResolver({networks: [{name: NAME, chainId: node.chainId, provider, registry}]}));
  const found = [];
  for(const did of dids) {
    found.push(await resolver.resolve(did));
  }
  provider.destroy();
  return found;
}

// Each step is a method of EthrDID and its arguments, and `as` the key that pays. Where somebody else than the owner
// pays, `signed` is the owner's key, `hash` has the arguments of what is signed, `before` and `after` those beside the
// signature.
async function write({identifier, steps, registry, ...node}) {
  const provider = providerOf(node);
  const hashes = {
    changeOwnerSigned: 'createChangeOwnerHash',
    addDelegateSigned: 'createAddDelegateHash',
    revokeDelegateSigned: 'createRevokeDelegateHash',
    setAttributeSigned: 'createSetAttributeHash',
    revokeAttributeSigned: 'createRevokeAttributeHash'
  };
  const made = {};
  for(const {method, args, as, signed, hash, before, after} of steps) {
    const did = new EthrDID({
      identifier, provider, registry, chainNameOrId: NAME, txSigner: new Wallet(as, provider), alg: 'ES256K'
    });
    made.did = did.did;
    if(signed) {
      const {v, r, s} = new SigningKey(signed).sign(await did[hashes[method]](...hash));
      await did[method](...before, {sigV: v, sigR: r, sigS: s}, ...after);
    } else {
      await did[method](...args);
    }
  }
  provider.destroy();
  return made;
}

let text = '';
for await (const chunk of process.stdin) {
  text += chunk;
}
const request = JSON.parse(text);
process.stdout.write(JSON.stringify(await {resolve, write}[request.action](request)));
